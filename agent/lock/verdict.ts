import type { Verdict } from '../values/lock.ts';
import type { HeldRecord, LockRecord } from './record.ts';

/** What is known of the process on a record: `none` for a lease that needs no process. */
export type OwnerState = 'alive' | 'gone' | 'unknown' | 'none';

/** Everything a verdict rests on, gathered under the guard. */
export interface Evidence {
  /** Whether the kernel gave us its locks: `sidecar` and `file` say where it refused. */
  readonly kernel: 'got' | 'sidecar' | 'file';
  /** null: there is no record. */
  readonly record: LockRecord | 'unreadable' | null;
  /** `conf_locked` says 1 though no look has found the lock HOT. */
  readonly bit: boolean;
  /** The present boot. */
  readonly boot: string;
  /** The record was made on the sidecar that is there now. */
  readonly sameSidecar: boolean;
  readonly owner: OwnerState;
  /** The record's deadline has passed, by a clock that can be compared with it. */
  readonly late: boolean;
  /** A process was found that has the lock. */
  readonly found: boolean;
  /** The pid on the kernel's lock line is gone though the lock is there. */
  readonly takerGone: boolean;
}

/** What to make of a lock. `by` says who is named as its holder. */
export type Decision =
  | { readonly kind: 'cold' }
  | { readonly kind: 'reclaim'; readonly why: string }
  | { readonly kind: 'hot'; readonly verdict: Verdict; readonly by: 'record' | 'found' | 'nobody' };

const COLD: Decision = { kind: 'cold' };
const hot = (verdict: Verdict, by: 'record' | 'found' | 'nobody'): Decision => ({ kind: 'hot', verdict, by });
const reclaim = (why: string): Decision => ({ kind: 'reclaim', why });

/** The verdict on a lock. Pure. Only kernel locks that we got prove that nobody else has them; a pid proves nothing. */
export function decide(evidence: Evidence): Decision {
  const { record, kernel } = evidence;
  const held = record !== null && record !== 'unreadable' && record.mode === 'held' ? record : null;
  if (kernel === 'got') {
    if (record === 'unreadable') return reclaim('its record could not be read and nobody has the kernel locks');
    if (held === null) {
      return evidence.bit
        ? reclaim('conf_locked was 1, but nobody is on record and nobody has the kernel locks')
        : COLD;
    }
    if (held.boot !== evidence.boot) return reclaim('the device was started anew since it was taken');
    return held.kind === 'kernel' ? onRecordOnly(evidence) : onLease(evidence, 'reclaim');
  }
  if (held === null || held.boot !== evidence.boot) return onForeignLock(evidence);
  if (held.kind === 'lease') return onLease(evidence, 'foreign');
  // Its holder would have the sidecar too: what refuses us on the file is somebody else.
  if (kernel === 'file' && evidence.sameSidecar) return onForeignLock(evidence);
  if (!evidence.sameSidecar && evidence.owner === 'gone') return onForeignLock(evidence);
  return onRefusal(evidence, held);
}

/** The kernel locks are ours though the record names somebody in kernel mode. */
function onRecordOnly({ sameSidecar, owner, found }: Evidence): Decision {
  // No look at the pid: an exiting process frees its locks before its pid goes.
  if (sameSidecar) return reclaim('its holder is gone: the kernel has freed its locks');
  // A stranger has replaced the lock file, so our locks say nothing about the old one.
  if (owner === 'alive') return hot('held', 'record');
  if (found) return hot('orphaned', 'found');
  if (owner === 'unknown') return hot('unseen', 'record');
  return reclaim('its lock file was replaced and its holder is gone');
}

function onLease(evidence: Evidence, otherwise: 'reclaim' | 'foreign'): Decision {
  const ended = evidence.late
    ? 'its time is over'
    : evidence.owner === 'gone'
      ? 'the process it was given to is gone'
      : null;
  if (ended === null) return hot('held', 'record');
  return otherwise === 'reclaim' ? reclaim(ended) : onForeignLock(evidence);
}

function onRefusal({ owner, late, found }: Evidence, record: HeldRecord): Decision {
  if (owner === 'alive') return hot(late && record.deadlineBootMs !== null ? 'overdue' : 'held', 'record');
  if (found) return hot(owner === 'gone' ? 'orphaned' : 'held', 'found');
  return hot('unseen', owner === 'gone' ? 'nobody' : 'record');
}

function onForeignLock({ found, takerGone }: Evidence): Decision {
  if (!found) return hot('unseen', 'nobody');
  return hot(takerGone ? 'orphaned' : 'held', 'found');
}
