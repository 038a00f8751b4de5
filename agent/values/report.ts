import type { Code, Mismatch } from './errors.ts';
import type { LockState } from './lock.ts';
import type { Address, Layer } from './topics.ts';

/** How a document ended; exactly one per document. An evt that says so has `final: true`. */
export const OUTCOMES = ['applied', 'refused', 'failed', 'rolled-back', 'superseded', 'withdrawn', 'expired'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Every event an `evt` can carry. */
export const EVENTS = [
  'started',
  'stopped',
  'waiting',
  'refused',
  'applying',
  'applied',
  'failed',
  'rolled-back',
  'rollback-deferred',
  'superseded',
  'covered',
  'withdrawn',
  'expired',
  'duplicate',
  'alarm',
  'lock-hot',
  'lock-cold',
  'reclaimed',
  'released',
  'refreshed',
  'confirmed',
  'drift',
  'pinned',
  'unpinned',
  'trust',
  'halted',
  'clock',
  'quarantined',
  'dropped',
] as const;
export type EventName = (typeof EVENTS)[number];

/** Whether the clock of the device can be trusted. */
export type ClockTrust = 'ok' | 'untrusted';

/** What every record for the fleet carries. `seq` is per device, without gaps, and never falls. */
export interface Stamp {
  readonly seq: number;
  readonly boot: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  readonly clock: ClockTrust;
}

/** What an event says, before it is stamped. `final: true` marks the one outcome of a document. */
export interface EventBody {
  readonly event: EventName;
  readonly config?: string;
  readonly update?: string;
  readonly version?: number;
  readonly layer?: Layer;
  readonly address?: Address;
  readonly code?: Code;
  readonly reason?: string;
  readonly final?: boolean;
  readonly mismatch?: Mismatch;
  /** `applied` only: false where the bytes on disk already were the wanted ones and nothing was touched. */
  readonly changed?: boolean;
  readonly digest?: string;
  readonly token?: number;
  /** `released`: the token before. */
  readonly old_token?: number;
  /** `halted`: the id of the halt. */
  readonly halt?: string;
  /** `halted`: true where it holds nothing any more. */
  readonly lift?: boolean;
  /** The id of the command this answers. */
  readonly command?: string;
  /** The name of that command; also where it was refused before it could be believed. */
  readonly cmd?: string;
  /** Who asked for it: the key that signed a command, or a user of this machine. */
  readonly who?: string;
  /** How many like events this one stands for. */
  readonly count?: number;
  readonly from_seq?: number;
  readonly to_seq?: number;
}

/** An event as it goes out on the `evt` topic and as `history` prints it. */
export interface Evt extends Stamp, EventBody {}

/** Everything an update can wait for. */
export const GATES = ['lock', 'window', 'vehicle', 'clock', 'disk', 'download', 'halt', 'confirm'] as const;
export type Gate = (typeof GATES)[number];

/** What runs: version 0 and no layer before Locksmith's first move. */
export interface Running {
  readonly version: number;
  readonly layer: Layer | null;
  readonly address: Address | null;
  readonly digest: string;
  readonly since: string | null;
}

/** What proved that which runs: nothing that is asked, its health alone, the broker that had our report, or the fleet. */
export type ConfirmedBy = 'none' | 'health' | 'link' | 'fleet';

/** What was tried last. */
export interface LastAttempt {
  readonly id: string;
  readonly version: number;
  readonly layer: Layer;
  readonly address: Address;
  readonly digest: string;
  readonly result: Outcome | 'waiting';
  readonly code: Code | null;
  readonly reason: string | null;
  readonly at: string;
}

/** The one document that would be effective now if no gate held it; `id` null and version 0: what was there before Locksmith. */
export interface Pending {
  readonly id: string | null;
  readonly version: number;
  readonly waiting_for: readonly Gate[];
}

/** Somebody next to the device went back to an earlier content, which stays until the fleet sends something newer. */
export interface Pinned {
  /** The user who did. */
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

/** The state of one config, before it is stamped. */
export interface ReportedBody {
  readonly running: Running;
  readonly last_attempt: LastAttempt | null;
  readonly pending: Pending | null;
  /** Set while the bytes on disk are not what Locksmith put there. */
  readonly drift: { readonly digest: string } | null;
  readonly pinned: Pinned | null;
  readonly confirmed_by: ConfirmedBy | null;
}

/** The state of one config as it goes out, retained, on `reported/{config}`. */
export interface Reported extends Stamp, ReportedBody {}

/** The state of one lock as it goes out, retained, on `lock/{config}`. */
export interface LockReport extends Stamp, LockState {}
