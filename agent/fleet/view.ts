import type { Frame } from '../ports/broker.ts';
import { isFields } from '../values/fields.ts';
import { harmless } from '../values/printable.ts';
import { NAME } from '../values/units.ts';
import { readFields } from './answers.ts';
import { readSeenLock, type SeenLock } from './retained.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a device last reported of a config, as far as a table needs it. */
export interface SeenReport {
  readonly version: number;
  readonly layer: string | null;
  readonly address: string | null;
  readonly digest: string;
  /** What was tried last; null for nothing. */
  readonly last: { readonly version: number; readonly result: string; readonly code: string | null } | null;
  readonly waitsFor: readonly string[];
  readonly drifted: boolean;
  readonly pinned: boolean;
}

/** One device as the broker's retained messages show it. */
export interface SeenDevice {
  readonly device: string;
  /** Null: it never said. */
  readonly online: boolean | null;
  /** Why it is offline, in its own word or the broker's; null where nobody said. */
  readonly reason: string | null;
  /** As it says them, the first counting most; none where it does not. */
  readonly groups: readonly string[];
  /** RFC 3339 UTC: the newest time in anything it said. */
  readonly lastSeen: string | null;
  readonly configs: Readonly<Record<string, SeenReport>>;
  readonly locks: Readonly<Record<string, SeenLock>>;
  /** The objects as they came: `status`, and those of `reported` and `lock` by config. */
  readonly wire: { readonly status: Fields | null; readonly configs: Fields; readonly locks: Fields };
}

/** The fleet, put together from what the broker keeps and goes on to say. */
export interface FleetView {
  /** Takes a message in; false if it tells nothing of a device. */
  take(frame: Frame): boolean;
  /** All devices, by name. */
  devices(): readonly SeenDevice[];
}

/** The filters of everything a view is made of. */
export function viewFilters(root: string): readonly string[] {
  return ['status', 'reported/+', 'lock/+'].map((what) => `${root}/v1/dev/+/${what}`);
}

interface Known {
  status: Fields | null;
  readonly configs: Map<string, Fields>;
  readonly locks: Map<string, Fields>;
}

/** An empty view. */
export function openFleetView(root: string): FleetView {
  const known = new Map<string, Known>();
  const prefix = `${root}/v1/dev/`;
  return {
    take({ topic, payload }) {
      if (!topic.startsWith(prefix)) return false;
      const [device = '', kind, config, more] = topic.slice(prefix.length).split('/');
      if (!NAME.test(device) || more !== undefined || (config !== undefined && !NAME.test(config))) return false;
      const fields = readFields(payload);
      const isEmpty = payload.length === 0;
      if (fields === null && !isEmpty) return false;
      const one = known.get(device) ?? { status: null, configs: new Map(), locks: new Map() };
      if (kind === 'status' && config === undefined) one.status = fields;
      else if ((kind === 'reported' || kind === 'lock') && config !== undefined) {
        const into = kind === 'reported' ? one.configs : one.locks;
        if (fields === null) into.delete(config);
        else into.set(config, fields);
      } else return false;
      // What was cleared on the broker is no device any more.
      if (one.status === null && one.configs.size + one.locks.size === 0) known.delete(device);
      else known.set(device, one);
      return true;
    },
    devices: () => [...known].map(([device, one]) => seen(device, one)).sort((a, b) => (a.device < b.device ? -1 : 1)),
  };
}

function seen(device: string, { status, configs, locks }: Known): SeenDevice {
  const times = [status, ...configs.values(), ...locks.values()].flatMap((fields) => instant(fields?.at) ?? []);
  return {
    device,
    online: status === null ? null : status.state === 'online',
    reason: text(status?.reason),
    groups: Array.isArray(status?.groups) ? status.groups.filter(isName) : [],
    lastSeen: times.sort().at(-1) ?? null,
    configs: Object.fromEntries([...configs].map(([name, fields]) => [name, readSeenReport(fields)])),
    locks: Object.fromEntries(
      [...locks].flatMap(([name, fields]) => {
        const lock = readSeenLock(fields);
        return lock === null ? [] : [[name, lock] as const];
      }),
    ),
    wire: { status, configs: Object.fromEntries(configs), locks: Object.fromEntries(locks) },
  };
}

function readSeenReport({ running, last_attempt, pending, drift, pinned }: Fields): SeenReport {
  const run = isFields(running) ? running : {};
  const last = isFields(last_attempt) ? last_attempt : null;
  const gates = isFields(pending) && Array.isArray(pending.waiting_for) ? pending.waiting_for : [];
  return {
    version: count(run.version),
    ...{ layer: text(run.layer), address: text(run.address), digest: text(run.digest) ?? '' },
    last:
      last === null ? null : { version: count(last.version), result: text(last.result) ?? '?', code: text(last.code) },
    waitsFor: gates.flatMap((gate) => text(gate) ?? []),
    drifted: isFields(drift),
    pinned: isFields(pinned),
  };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? harmless(value, 200) : null;
}

function instant(value: unknown): string | null {
  return typeof value === 'string' && Number.isFinite(Date.parse(value)) ? value : null;
}
