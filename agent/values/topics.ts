import { NAME } from './units.ts';

/** Who an update is for: `dev/<id>`, `grp/<group>` or `all`. */
export type Address = `dev/${string}` | `grp/${string}` | 'all';

/** The two layers of a config: a shadow overrides the base while it lives. */
export const LAYERS = ['base', 'shadow'] as const;
export type Layer = (typeof LAYERS)[number];

/** One row of THE topic table. `pattern` has `{root}`, `{address}`, `{id}`, `{config}`, `{layer}`, `{name}` in it. */
export interface TopicRow {
  readonly pattern: string;
  readonly direction: 'to-device' | 'from-device';
  readonly qos: 0 | 1;
  readonly retained: boolean;
}

/** THE topic table: every topic the agent reads or writes. The verb sits at a fixed level, so an ACL is short. */
export const TOPICS = {
  desired: { pattern: '{root}/v1/{address}/desired/{config}/{layer}', direction: 'to-device', qos: 1, retained: true },
  trust: { pattern: '{root}/v1/{address}/trust', direction: 'to-device', qos: 1, retained: true },
  halt: { pattern: '{root}/v1/{address}/halt', direction: 'to-device', qos: 1, retained: true },
  cmd: { pattern: '{root}/v1/dev/{id}/cmd/{name}', direction: 'to-device', qos: 1, retained: false },
  reported: { pattern: '{root}/v1/dev/{id}/reported/{config}', direction: 'from-device', qos: 1, retained: true },
  lock: { pattern: '{root}/v1/dev/{id}/lock/{config}', direction: 'from-device', qos: 1, retained: true },
  evt: { pattern: '{root}/v1/dev/{id}/evt', direction: 'from-device', qos: 1, retained: false },
  status: { pattern: '{root}/v1/dev/{id}/status', direction: 'from-device', qos: 1, retained: true },
  hb: { pattern: '{root}/v1/dev/{id}/hb', direction: 'from-device', qos: 0, retained: false },
  position: { pattern: '{root}/v1/dev/{id}/position', direction: 'from-device', qos: 0, retained: true },
  track: { pattern: '{root}/v1/dev/{id}/track', direction: 'from-device', qos: 1, retained: false },
} as const satisfies Record<string, TopicRow>;

/** The name of a row in {@link TOPICS}. */
export type TopicKind = keyof typeof TOPICS;

/** What operators keep of a roll-out for each other, retained and with QoS 1. No device reads or writes it. */
export const ROLLOUT_TOPICS = {
  plan: '{root}/v1/rollout/{rollout}/plan',
  content: '{root}/v1/rollout/{rollout}/content',
} as const;

/** The name of a row in {@link ROLLOUT_TOPICS}. */
export type RolloutTopicKind = keyof typeof ROLLOUT_TOPICS;

/** A topic of a roll-out; `rollout` may be `+`, for a filter. */
export function rolloutTopic(root: string, rollout: string, kind: RolloutTopicKind): string {
  return ROLLOUT_TOPICS[kind].replace('{root}', root).replace('{rollout}', rollout);
}

/** Reads an address; null if it is not one. */
export function parseAddress(text: string): Address | null {
  if (text === 'all') return 'all';
  const [kind, name, rest] = text.split('/');
  if (rest !== undefined || name === undefined || !NAME.test(name)) return null;
  if (kind === 'dev') return `dev/${name}`;
  if (kind === 'grp') return `grp/${name}`;
  return null;
}

/** True if `text` is a layer. */
export function isLayer(text: unknown): text is Layer {
  return text === 'base' || text === 'shadow';
}

/** The addresses of a device, most specific first: itself, its groups in the order of its settings, all. */
export function addressesOf(id: string, groups: readonly string[]): readonly Address[] {
  return [`dev/${id}`, ...groups.map((group): Address => `grp/${group}`), 'all'];
}

/** The topic of an update. */
export function desiredTopic(root: string, address: Address, config: string, layer: Layer): string {
  return `${root}/v1/${address}/desired/${config}/${layer}`;
}

/** A topic the device itself writes; `config` only for `reported` and `lock`. */
export function deviceTopic(
  root: string,
  id: string,
  kind: Exclude<TopicKind, 'desired' | 'cmd'>,
  config?: string,
): string {
  return config === undefined ? `${root}/v1/dev/${id}/${kind}` : `${root}/v1/dev/${id}/${kind}/${config}`;
}

/** The topic of a command to one device. */
export function commandTopic(root: string, id: string, name: string): string {
  return `${root}/v1/dev/${id}/cmd/${name}`;
}

/** Reads the topic of a command; null if it is not one under `root`. `name` is whatever stands there. */
export function parseCommandTopic(root: string, topic: string): { readonly id: string; readonly name: string } | null {
  const prefix = `${root}/v1/dev/`;
  if (!topic.startsWith(prefix)) return null;
  const [id = '', verb, name, more] = topic.slice(prefix.length).split('/');
  return verb === 'cmd' && name !== undefined && more === undefined && NAME.test(id) ? { id, name } : null;
}

/** What is said to a device about its keys and about stopping. */
export const ORDERS = ['trust', 'halt'] as const;
export type Order = (typeof ORDERS)[number];

/** The topic of an order. */
export function orderTopic(root: string, address: Address, order: Order): string {
  return `${root}/v1/${address}/${order}`;
}

/** Reads the topic of an order; null if it is not one under `root`. */
export function parseOrderTopic(
  root: string,
  topic: string,
): { readonly address: Address; readonly order: Order } | null {
  const prefix = `${root}/v1/`;
  const end = topic.lastIndexOf('/');
  const order = ORDERS.find((one) => one === topic.slice(end + 1));
  const address =
    topic.startsWith(prefix) && end > prefix.length ? parseAddress(topic.slice(prefix.length, end)) : null;
  return order === undefined || address === null ? null : { address, order };
}

/** Where an update was published, read back from its topic. */
export interface DesiredTopic {
  readonly address: Address;
  readonly config: string;
  readonly layer: Layer;
}

/** Reads the topic of an update; null if it is not one under `root`. */
export function parseDesiredTopic(root: string, topic: string): DesiredTopic | null {
  const prefix = `${root}/v1/`;
  if (!topic.startsWith(prefix)) return null;
  const parts = topic.slice(prefix.length).split('/');
  // By its place, not by its word: a device or a group may be called `desired` too.
  const verb = parts[0] === 'all' ? 1 : 2;
  if (parts[verb] !== 'desired' || parts.length !== verb + 3) return null;
  const address = parseAddress(parts.slice(0, verb).join('/'));
  const config = parts[verb + 1];
  const layer = parts[verb + 2];
  if (address === null || config === undefined || !NAME.test(config) || !isLayer(layer)) return null;
  return { address, config, layer };
}
