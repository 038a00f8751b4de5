import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { mqttBroker } from '../host/mqtt.ts';
import type { ConnectWish, Frame, LinkEnd } from '../ports/broker.ts';
import type { Cancel } from '../ports/world.ts';

/** How the operator reaches the broker. */
export type FleetBroker = Pick<ConnectWish, 'url' | 'protocol' | 'username' | 'passwordFile' | 'tls'>;

/** The connection could not be made, or ended. */
export class LinkFailure extends Error {
  override readonly name = 'LinkFailure';
  readonly end: LinkEnd;
  constructor(end: LinkEnd) {
    super(end.message);
    this.end = end;
  }
}

/** An operator's connection to the broker, made once and used up. */
export interface FleetLink {
  /** Codes granted, in order; 128 and more: refused. QoS 1 unless said. Rejects with {@link LinkFailure} if the connection ends. */
  subscribe(filters: readonly string[], qos?: 0 | 1): Promise<readonly number[]>;
  /** Publishes with QoS 1; 0, or the reason code of a refusal (MQTT 5). Rejects with {@link LinkFailure}. */
  publish(topic: string, payload: string, how: { readonly retain: boolean }): Promise<number>;
  /** Calls `fn` for every message from now on. */
  listen(fn: (frame: Frame) => void): Cancel;
  /** Resolves when the connection has ended, however. */
  readonly ended: Promise<LinkEnd>;
  close(): void;
}

/**
 * Pauses before a filter that was refused is asked for again: a cluster that elects anew refuses everybody for some seconds. Who has no
 * right to it waits for nothing, once on a link.
 */
const REFUSED_AGAIN_MS: readonly number[] = [500, 1_000, 2_000, 4_000];
const KEEPALIVE_S = 30;
const CONNECT_TIMEOUT_MS = 10_000;
/** AWS IoT takes no more in one packet. */
const FILTERS_PER_PACKET = 8;

/** Connects to the broker. Rejects with {@link LinkFailure}. */
export async function connectFleet(
  broker: FleetBroker,
  { refusedAgainMs = REFUSED_AGAIN_MS }: { readonly refusedAgainMs?: readonly number[] } = {},
): Promise<FleetLink> {
  const listeners = new Set<(frame: Frame) => void>();
  const { promise: ready, resolve: isReady } = hope<void>();
  const { promise: ended, resolve: hasEnded } = hope<LinkEnd>();
  const wish: ConnectWish = {
    ...broker,
    clientId: `locksmith-op-${randomBytes(4).toString('hex')}`,
    keepaliveS: KEEPALIVE_S,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    will: null,
  };
  const connection = mqttBroker.connect(wish, {
    connected: () => isReady(),
    frame: async (frame) => {
      for (const listener of [...listeners]) listener(frame);
    },
    roundTrip: () => {},
    ended: (end) => hasEnded(end),
  });
  const orEnd = <T>(work: Promise<T>): Promise<T> =>
    Promise.race([
      work.catch(async () => {
        throw new LinkFailure(await ended);
      }),
      ended.then((end): never => {
        throw new LinkFailure(end);
      }),
    ]);
  await orEnd(ready);
  /** Filters that stayed refused. */
  const refused = new Set<string>();
  const subscribe: FleetLink['subscribe'] = async (filters, qos) => {
    const codes = new Map<string, number>();
    const ask = async (some: readonly string[]) => {
      const packets: (readonly string[])[] = [];
      for (let at = 0; at < some.length; at += FILTERS_PER_PACKET)
        packets.push(some.slice(at, at + FILTERS_PER_PACKET));
      const granted = (await Promise.all(packets.map((packet) => orEnd(connection.subscribe(packet, qos))))).flat();
      for (const [index, filter] of some.entries()) codes.set(filter, granted[index] ?? 128);
    };
    const left = () => [...codes].flatMap(([filter, code]) => (code >= 128 && !refused.has(filter) ? [filter] : []));
    await ask(filters);
    for (const againMs of refusedAgainMs) {
      if (left().length === 0) break;
      await orEnd(pause(againMs));
      await ask(left());
    }
    for (const [filter, code] of codes) {
      if (code >= 128) refused.add(filter);
      else refused.delete(filter);
    }
    return filters.map((filter) => codes.get(filter) ?? 128);
  };
  return {
    subscribe,
    publish: (topic, payload, { retain }) => orEnd(connection.publish(topic, payload, { qos: 1, retain })),
    listen(fn) {
      listeners.add(fn);
      return () => listeners.delete(fn);
    },
    ended,
    close: () => connection.close(),
  };
}

function hope<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  const box: { resolve: (value: T) => void } = { resolve: () => {} };
  const promise = new Promise<T>((resolve) => {
    box.resolve = resolve;
  });
  return { promise, resolve: (value) => box.resolve(value) };
}
