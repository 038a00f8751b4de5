import type { Holder, LockState } from './lock.ts';
import { sayDuration } from './units.ts';

/** A holder in words: `pid 4711 flock, user root`, with its unit if it has one. */
export function sayHolder(holder: Holder): string {
  const who = holder.pid === 0 ? (holder.command ?? '') : `pid ${holder.pid} ${holder.command ?? ''}`.trimEnd();
  const user = holder.user === null ? [] : [`user ${holder.user}`];
  const named = who === '' ? (user.length === 0 ? ['somebody'] : []) : [who];
  return [...named, ...user, ...(holder.unit === null ? [] : [holder.unit])].join(', ');
}

/** How long something lasts, counted from an instant in RFC 3339; null if that cannot be said. */
function age(since: string | null, nowMs: number): string | null {
  const ms = since === null ? Number.NaN : nowMs - Date.parse(since);
  return ms >= 0 ? sayDuration(ms) : null;
}

/**
 * Why a lock is HOT, in a few words to stand between parentheses: `held by pid 4711 flock, user root, for 8 s`. `nowMs`: Unix
 * milliseconds of the clock that gave `since`. For a COLD lock: `free`.
 */
export function sayLock(lock: LockState, nowMs: number): string {
  if (lock.state === 'COLD') return 'free';
  const who = lock.holder === null ? 'somebody' : sayHolder(lock.holder);
  const lasted = age(lock.since, nowMs);
  const details = [
    ...(lasted === null ? [] : [`for ${lasted}`]),
    ...(lock.until === undefined ? [] : [sayUntil(lock.until, nowMs)]),
    ...(lock.reason === undefined ? [] : [`"${lock.reason}"`]),
  ];
  return [sayVerdict(lock, who), ...details].join(', ');
}

function sayUntil(until: string, nowMs: number): string {
  const leftMs = Date.parse(until) - nowMs;
  return leftMs >= 0 ? `${sayDuration(leftMs)} to go` : `${sayDuration(-leftMs)} past its time`;
}

function sayVerdict(lock: LockState, who: string): string {
  switch (lock.verdict) {
    case 'overdue':
      return `overdue: held by ${who}`;
    case 'stale':
      return lock.holder === null ? 'stale: left behind' : `stale: left behind by ${who}`;
    case 'orphaned':
      return lock.leaked_by === undefined
        ? `orphaned: held by ${who}`
        : `orphaned: held by ${who}, left to it by pid ${lock.leaked_by} which is gone`;
    case 'unseen':
      return lock.holder === null
        ? 'unseen: somebody has it whom no process here shows'
        : `unseen: last on record ${who}`;
    case 'held':
    case null:
      return lock.lease === true ? `held by a lease of ${who}` : `held by ${who}`;
  }
}
