import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Frame } from '../ports/broker.ts';
import {
  type Command,
  parseCommand,
  type RefreshCommand,
  type ReleaseCommand,
  type VerdictCommand,
} from '../values/command.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { harmless } from '../values/printable.ts';
import { commandTopic, deviceTopic } from '../values/topics.ts';
import { readFields } from './answers.ts';
import type { FleetLink } from './link.ts';
import { publishSeen } from './publish.ts';
import { readRetained } from './retained.ts';
import type { Signer } from './signer.ts';

/** What every command gets by itself: format, id, audience and times. */
type ByItself = 'v' | 'id' | 'aud' | 'iat' | 'exp';

/** What an operator wants a device to do. */
export type CommandBody =
  | Omit<ReleaseCommand, ByItself>
  | Omit<RefreshCommand, ByItself>
  | Omit<VerdictCommand, ByItself>;

/** A command to be sent. */
export interface CommandWish {
  readonly root: string;
  /** The id of the device. */
  readonly device: string;
  readonly body: CommandBody;
  readonly signer: Signer;
  /** How long to wait for the answer; 0: not at all. */
  readonly withinMs: number;
  /** The broker has it. */
  onPublished(command: Command): void;
}

/** The events that answer a command. */
const ANSWERS = ['released', 'refreshed', 'confirmed', 'rolled-back', 'refused', 'failed'] as const;

/** What the device answered. */
export interface CommandAnswer {
  readonly id: string;
  readonly state: (typeof ANSWERS)[number];
  readonly code: string | null;
  readonly reason: string | null;
  readonly mismatch: string | null;
  /** `released`: the tokens; null otherwise. */
  readonly oldToken: number | null;
  readonly token: number | null;
  /** `released` only: false where the lock was COLD already. */
  readonly changed: boolean | null;
}

/** What became of a command. */
export type CommandEnd =
  | { readonly kind: 'answered'; readonly answer: CommandAnswer }
  /** The device said offline (`at`, RFC 3339, and why): nothing was sent, for it would be lost. */
  | { readonly kind: 'away'; readonly at: string | null; readonly reason: string | null }
  /** Sent, no answer in time. `status`: what the broker keeps of the device; null if it knows nothing of it. */
  | { readonly kind: 'silent'; readonly id: string; readonly status: 'online' | null; readonly linkLost: boolean }
  | { readonly kind: 'sent'; readonly id: string };

/** Life of a command, in seconds, beyond the wait for its answer: clocks differ. Effect: a device remembers its id for so long. */
const LIFE_S = 300;

/** Makes a command and signs it. Throws {@link SaidError} (exit 2) if a device would not even read it. */
export async function signCommand(
  wish: Pick<CommandWish, 'device' | 'body' | 'signer'>,
  nowS: number,
  lifeS: number,
): Promise<{ readonly command: Command; readonly jws: string }> {
  const { device, body, signer } = wish;
  const base = { v: 1, id: randomUUID(), aud: `dev/${device}`, iat: nowS, exp: nowS + lifeS };
  const command = parseCommand({ ...base, ...body });
  if ('kind' in command) {
    throw new SaidError(
      EXIT.usage,
      `the command cannot be signed: ${command.reason} (${command.code})`,
      `locksmith ${body.cmd} --help`,
    );
  }
  return { command, jws: await signer.signCommand(command) };
}

/**
 * Signs a command, publishes it (not retained), and waits for the device's answer. Throws {@link SaidError} if the broker does not
 * take it; rejects with LinkFailure if the broker is lost before it has it.
 */
export async function sendCommand(link: FleetLink, wish: CommandWish): Promise<CommandEnd> {
  const { root, device, withinMs } = wish;
  const nowS = Math.floor(Date.now() / 1000);
  const { command, jws } = await signCommand(wish, nowS, LIFE_S + Math.ceil(withinMs / 1000));
  const { id, cmd } = command;
  const status = await readRetained(link, deviceTopic(root, device, 'status'));
  if (status?.state === 'offline') return { kind: 'away', at: text(status.at), reason: text(status.reason) };

  const heard: { answer: CommandAnswer | null; sent: boolean } = { answer: null, sent: false };
  const evt = deviceTopic(root, device, 'evt');
  const cancel = link.listen((frame) => {
    if (frame.topic === evt && heard.sent) heard.answer ??= readAnswer(frame, { id, cmd });
  });
  try {
    if (withinMs > 0) await link.subscribe([evt]);
    const onSent = () => {
      heard.sent = true;
    };
    await publishSeen(link, { topic: commandTopic(root, device, cmd), jws, retain: false, onSent });
    wish.onPublished(command);
    if (withinMs === 0) return { kind: 'sent', id };
    const lost = { is: false };
    void link.ended.then(() => {
      lost.is = true;
    });
    const endMs = performance.now() + withinMs;
    while (heard.answer === null && !lost.is && performance.now() < endMs) await pause(20);
    if (heard.answer !== null) return { kind: 'answered', answer: heard.answer };
    return { kind: 'silent', id, status: status?.state === 'online' ? 'online' : null, linkLost: lost.is };
  } finally {
    cancel();
  }
}

/** Reads the answer to a command from an event; null if it is none. One that was refused before it was believed names only its topic. */
export function readAnswer(
  { payload, retain }: Pick<Frame, 'payload' | 'retain'>,
  asked: { readonly id: string; readonly cmd: string },
): CommandAnswer | null {
  const evt = readFields(payload);
  if (evt === null || retain) return null;
  const { event, command, cmd } = evt;
  const unnamed = command === undefined && event === 'refused' && cmd === asked.cmd;
  if (command !== asked.id && !unnamed) return null;
  const state = ANSWERS.find((one) => one === event);
  if (state === undefined) return null;
  return {
    id: asked.id,
    state,
    code: text(evt.code),
    reason: text(evt.reason),
    mismatch: text(evt.mismatch),
    oldToken: count(evt.old_token),
    token: count(evt.token),
    changed: typeof evt.changed === 'boolean' ? evt.changed : null,
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? harmless(value, 500) : null;
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}
