import type { Inode } from '../ports/kernel.ts';
import type { Holder } from '../values/lock.ts';
import { harmless } from '../values/printable.ts';

/** Who has a lock and how, as its holder wrote it down. */
export interface HeldRecord {
  readonly mode: 'held';
  /** `kernel`: as long as somebody has the descriptor. `lease`: until its time, a reboot or a release. */
  readonly kind: 'kernel' | 'lease';
  /** `commit`: the agent applies an update, which takes a moment. */
  readonly purpose: 'commit' | 'hold';
  readonly token: number;
  readonly holder: Holder;
  readonly boot: string;
  /** Namespaces in which pid and start time of the holder are meant; null: unknown. */
  readonly pidNamespace: number | null;
  readonly timeNamespace: number | null;
  /** The sidecar the kernel locks were taken on. */
  readonly sidecar: Inode;
  /** RFC 3339 UTC, for people. */
  readonly since: string;
  readonly sinceBootMs: number;
  readonly reason: string | null;
  /** On the boot-time clock; null: no end. */
  readonly deadlineBootMs: number | null;
  /** As in {@link FreeRecord}: carried along, so that a grant does not wipe them out. */
  readonly reclaims: readonly Reclaim[];
}

/** Nobody has the lock. */
export interface FreeRecord {
  readonly mode: 'free';
  readonly token: number;
  readonly boot: string;
  /** Reclaims and releases the agent may not have heard of: whoever carries one out leaves word here. Oldest first. */
  readonly reclaims: readonly Reclaim[];
}

/** A lock was made COLD: by proof, or by a person's decision. Either gives it another token. */
export interface Reclaim {
  readonly oldToken: number;
  readonly newToken: number;
  /** In plain words: what proved that nobody has it, or the reason the person gave. */
  readonly why: string;
  /** Who released it; null: reclaimed by proof. */
  readonly by: string | null;
  /** Who had it, as far as known. */
  readonly holder: Holder | null;
}

/** What is written beside the lock: who has it, and the last token given. */
export type LockRecord = HeldRecord | FreeRecord;

/** Largest record that is read, in bytes: ours are far smaller. */
export const RECORD_MAX_BYTES = 32_768;
/** Most reclaims that are kept for the agent to hear of. */
const RECLAIMS_MAX = 16;
/** No token is ever near it: a record that says so was not written by us, and one above it could not be counted on from. */
const TOKEN_MAX = 10 ** 14;
/** Longest text of a record that is passed on to people. */
const TEXT_MAX = 256;

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? harmless(value, TEXT_MAX) : null;
}

function parseHolder(value: unknown): Holder | null {
  if (!isObject(value)) return null;
  const pid = count(value.pid);
  if (pid === null) return null;
  const { start, command, user, unit } = value;
  return { pid, start: count(start), command: text(command), user: text(user), unit: text(unit) };
}

function parseReclaim(value: unknown): Reclaim | null {
  if (!isObject(value)) return null;
  const oldToken = count(value.old_token);
  const newToken = count(value.new_token);
  const why = text(value.why);
  if (oldToken === null || newToken === null || why === null) return null;
  return { oldToken, newToken, why, by: text(value.by), holder: parseHolder(value.holder) };
}

function parseReclaims(value: unknown): readonly Reclaim[] {
  return Array.isArray(value) ? value.slice(-RECLAIMS_MAX).flatMap((one) => parseReclaim(one) ?? []) : [];
}

function parseHeld(json: Json, token: number, boot: string): HeldRecord | null {
  const { kind, purpose } = json;
  const holder = parseHolder(json.holder);
  const since = text(json.since);
  const sinceBootMs = count(json.since_boot_ms);
  const dev = isObject(json.sidecar) ? count(json.sidecar.dev) : null;
  const ino = isObject(json.sidecar) ? count(json.sidecar.ino) : null;
  const deadlineBootMs = count(json.deadline_boot_ms);
  if (kind !== 'kernel' && kind !== 'lease') return null;
  if (purpose !== 'commit' && purpose !== 'hold') return null;
  if (holder === null || since === null || sinceBootMs === null || dev === null || ino === null) return null;
  if (deadlineBootMs === null && json.deadline_boot_ms !== null) return null;
  return {
    ...{ mode: 'held', kind, purpose, token, holder, boot },
    pidNamespace: count(json.pid_namespace),
    timeNamespace: count(json.time_namespace),
    ...{ sidecar: { dev, ino }, since, sinceBootMs, reason: text(json.reason), deadlineBootMs },
    reclaims: parseReclaims(json.reclaims),
  };
}

/** Reads a record; null if it is not one (torn, empty, or written by somebody else). */
export function parseRecord(bytes: Uint8Array): LockRecord | null {
  const json = ((): unknown => {
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      return null;
    }
  })();
  if (!isObject(json) || json.v !== 1) return null;
  const token = count(json.token);
  const boot = text(json.boot);
  if (token === null || token > TOKEN_MAX || boot === null) return null;
  if (json.mode === 'free') return { mode: 'free', token, boot, reclaims: parseReclaims(json.reclaims) };
  return json.mode === 'held' ? parseHeld(json, token, boot) : null;
}

/** The text of a record, one line of JSON. */
export function recordText(record: LockRecord): string {
  const { mode, token, boot } = record;
  const reclaims = record.reclaims.slice(-RECLAIMS_MAX).map(reclaimJson);
  const json =
    record.mode === 'free'
      ? {}
      : {
          ...{ kind: record.kind, purpose: record.purpose, holder: record.holder, reason: record.reason },
          ...{ since: record.since, since_boot_ms: record.sinceBootMs, deadline_boot_ms: record.deadlineBootMs },
          ...{ pid_namespace: record.pidNamespace, time_namespace: record.timeNamespace, sidecar: record.sidecar },
        };
  return `${JSON.stringify({ v: 1, mode, token, boot, ...json, reclaims })}\n`;
}

function reclaimJson({ oldToken, newToken, why, by, holder }: Reclaim): object {
  return { old_token: oldToken, new_token: newToken, why, by, holder };
}
