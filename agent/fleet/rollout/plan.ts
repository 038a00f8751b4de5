import { isFields } from '../../values/fields.ts';
import { harmless } from '../../values/printable.ts';
import { type Address, parseAddress, rolloutTopic } from '../../values/topics.ts';
import { isDigest, NAME } from '../../values/units.ts';

/** Where a roll-out stands. `halted` and `done` are ends; `paused` and `halted` can be taken up again. */
export const STAGES = ['waves', 'paused', 'promoting', 'done', 'undoing', 'halted'] as const;
export type Stage = (typeof STAGES)[number];

/** What is done about a device whose lock is HOT. `stop`: the roll-out pauses; `wait`: until its time is over; `skip`: on without it. */
export const HOT_WAYS = ['stop', 'wait', 'skip'] as const;
export type HotWay = (typeof HOT_WAYS)[number];

/** Devices that are changed together. */
export interface Wave {
  readonly name: string;
  /** The group whose address is used; null: each device by its own. */
  readonly group: string | null;
  readonly devices: readonly string[];
  /** How many of them must be well, in percent. */
  readonly success: number;
}

/** What a wave is judged by. */
export interface RolloutRules {
  /** Time a device has until it has confirmed, seconds. */
  readonly within_s: number;
  /** How long a wave must stay well before the next one, seconds. */
  readonly soak_s: number;
  /** Stop after the canary, until somebody says so. */
  readonly pause: boolean;
  readonly hot: HotWay;
  /** Release orphaned locks, and end who has them. */
  readonly release: boolean;
  /** Take back what was changed when it fails. */
  readonly undo: boolean;
}

/** A roll-out as it is kept, signed and retained, for whoever goes on with it. Times are epoch seconds. */
export interface Plan {
  readonly v: 1;
  readonly name: string;
  /** Grows with each change of this document. */
  readonly version: number;
  readonly iat: number;
  readonly config: string;
  readonly target: 'all' | `grp/${string}`;
  /** Digest of the new content. */
  readonly digest: string;
  /** When the shadows fall off by themselves. */
  readonly until: number;
  readonly waves: readonly Wave[];
  readonly rules: RolloutRules;
  /** Devices in no wave, which get it with the promotion: they were offline. */
  readonly later: readonly string[];
  /** Roll-outs that are over: what is left of their shadows on devices that were away gives way. */
  readonly over: readonly string[];
  readonly stage: Stage;
  /** The wave that has begun; those above it have nothing yet. */
  readonly wave: number;
  /** Since when time is counted: start, or the last time somebody went on with it. */
  readonly since: number;
  /** Devices that a wave goes on without. */
  readonly skipped: readonly string[];
  /** Who is at it: a number drawn by each process that takes it up. */
  readonly runner: string;
  /** Why it stands where it stands, for people; null while nothing is wrong. */
  readonly why: string | null;
}

/** The topic of a roll-out's plan. No device reads or writes it. */
export function planTopic(root: string, name: string): string {
  return rolloutTopic(root, name, 'plan');
}

/** The topic of the content of a roll-out: no device takes it from there. */
export function contentTopic(root: string, name: string): string {
  return rolloutTopic(root, name, 'content');
}

/** The address at which the documents of a wave for a device are. */
export function addressIn(wave: Wave, device: string): Address {
  return wave.group === null ? `dev/${device}` : `grp/${wave.group}`;
}

/** The addresses of a wave. */
export function addressesIn(wave: Wave): readonly Address[] {
  return wave.group === null ? wave.devices.map((device): Address => `dev/${device}`) : [`grp/${wave.group}`];
}

/** Reads the payload of a plan whose signature is good; null if it is none that this version knows. */
export function parsePlan(payload: unknown): Plan | null {
  if (!isFields(payload) || payload.v !== 1) return null;
  const { name, version, iat, config, digest, until, rules, stage, wave, since, runner, why } = payload;
  const target = typeof payload.target === 'string' ? parseAddress(payload.target) : null;
  const waves = readList(payload.waves, readWave);
  const later = readList(payload.later, readName);
  const skipped = readList(payload.skipped, readName);
  const over = readList(payload.over ?? [], readName);
  const known = STAGES.find((one) => one === stage);
  const read = readRules(rules);
  if (!isName(name) || !isName(config) || !isName(runner) || target === null || known === undefined) return null;
  if (target !== 'all' && !isGroup(target)) return null;
  if (waves === null || later === null || skipped === null || over === null || read === null) return null;
  if (typeof digest !== 'string' || !isDigest(digest)) return null;
  if (!isWhole(version) || !isWhole(iat) || !isWhole(until) || !isWhole(wave) || !isWhole(since)) return null;
  if (wave >= Math.max(1, waves.length)) return null;
  return {
    ...{ v: 1, name, version, iat, config, target, digest, until, waves, rules: read },
    ...{ later, over, stage: known, wave, since, skipped, runner },
    why: typeof why === 'string' ? harmless(why, 500) : null,
  };
}

function isGroup(address: Address): address is `grp/${string}` {
  return address.startsWith('grp/');
}

function readRules(value: unknown): RolloutRules | null {
  if (!isFields(value)) return null;
  const { within_s, soak_s, pause, hot, release, undo } = value;
  const way = HOT_WAYS.find((one) => one === hot);
  if (!isWhole(within_s) || !isWhole(soak_s) || way === undefined) return null;
  return { within_s, soak_s, pause: pause === true, hot: way, release: release === true, undo: undo === true };
}

function readWave(value: unknown): Wave | null {
  if (!isFields(value)) return null;
  const { name, group, success } = value;
  const devices = readList(value.devices, readName);
  if (typeof name !== 'string' || !isWhole(success) || success > 100 || devices === null) return null;
  if (group !== null && !isName(group)) return null;
  return { name: harmless(name, 100), group, devices, success };
}

function readList<T>(value: unknown, read: (item: unknown) => T | null): readonly T[] | null {
  if (!Array.isArray(value)) return null;
  const items = value.flatMap((item: unknown) => read(item) ?? []);
  return items.length === value.length ? items : null;
}

function readName(value: unknown): string | null {
  return isName(value) ? value : null;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
