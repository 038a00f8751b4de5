import { setTimeout as pause } from 'node:timers/promises';
import { parseHalt } from '../values/halt.ts';
import { parseStrictJson } from '../values/json.ts';
import { harmless } from '../values/printable.ts';
import { type Address, type Order, orderTopic } from '../values/topics.ts';
import { readFields } from './answers.ts';
import type { FleetLink } from './link.ts';
import { publishSeen } from './publish.ts';
import { readRetainedText } from './retained.ts';

/** A trust document or a halt to be published, retained. */
export interface OrderWish {
  readonly root: string;
  readonly address: Address;
  readonly order: Order;
  readonly version: number;
  /** As it was signed. */
  readonly text: string;
  /** How many devices' answers to wait for; 0: none. */
  readonly wait: number;
  readonly withinMs: number;
  onAnswer(answer: OrderAnswer): void;
}

/** What one device made of it. */
export interface OrderAnswer {
  readonly device: string;
  readonly taken: boolean;
  readonly code: string | null;
  readonly reason: string | null;
}

/** Publishes an order and waits for the devices that answer. Throws {@link SaidError} if the broker does not take it; rejects with LinkFailure. */
export async function publishOrder(link: FleetLink, wish: OrderWish): Promise<readonly OrderAnswer[]> {
  const { root, address, order, version, text: jws, wait } = wish;
  const answers = new Map<string, OrderAnswer>();
  const sent = { is: false };
  const cancel = link.listen(({ topic, payload, retain }) => {
    const device = new RegExp(`^${root}/v1/dev/([^/]+)/evt$`).exec(topic)?.[1];
    const evt = device === undefined || retain || !sent.is ? null : readFields(payload);
    if (device === undefined || evt === null || evt.address !== address || evt.version !== version) return;
    const taken = evt.event === (order === 'trust' ? 'trust' : 'halted') && evt.config === undefined;
    const about =
      typeof evt.reason === 'string' && evt.reason.startsWith(order === 'trust' ? 'trust document' : 'halt');
    if (!taken && !(evt.event === 'refused' && about)) return;
    const say = (value: unknown) => (typeof value === 'string' ? harmless(value, 500) : null);
    const answer = { device, taken, code: say(evt.code), reason: say(evt.reason) };
    if (!answers.has(device)) wish.onAnswer(answer);
    answers.set(device, answer);
  });
  try {
    if (wait > 0) await link.subscribe([`${root}/v1/${address.startsWith('dev/') ? address : 'dev/+'}/evt`]);
    const onSent = () => {
      sent.is = true;
    };
    await publishSeen(link, { topic: orderTopic(root, address, order), jws, retain: true, onSent });
    const lost = { is: false };
    void link.ended.then(() => {
      lost.is = true;
    });
    const endMs = performance.now() + wish.withinMs;
    while (answers.size < wait && !lost.is && performance.now() < endMs) await pause(20);
    return [...answers.values()];
  } finally {
    cancel();
  }
}

/** The halt that the broker keeps for an address, its signature not looked at; null if it keeps none. Rejects with LinkFailure. */
export async function retainedHalt(link: FleetLink, root: string, address: Address) {
  const text = await readRetainedText(link, orderTopic(root, address, 'halt'));
  const json = parseStrictJson(Buffer.from(text?.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const halt = json.kind === 'json' ? parseHalt(json.value) : null;
  return halt === null || 'kind' in halt ? null : halt;
}
