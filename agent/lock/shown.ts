import type { Clock } from '../ports/world.ts';
import type { LockState } from '../values/lock.ts';
import { rfc3339 } from '../values/units.ts';
import type { FreeLock, HotLock, StaleLock } from './settle.ts';

/** Furthest, in milliseconds, the wall clock may wander before a time that was said is said anew. */
const WANDER_MS = 1000;

/** What a lock looked like when it was last settled, and since when by the clock that does not jump. */
export interface Shown {
  readonly lock: LockState;
  readonly sinceBootMs: number;
}

/** True where two states mean the same holder in the same way, whatever their tokens and counts. */
export function sameHold(a: LockState, b: LockState): boolean {
  return (
    a.state === b.state &&
    a.verdict === b.verdict &&
    a.holder?.pid === b.holder?.pid &&
    a.holder?.start === b.holder?.start &&
    a.holder?.command === b.holder?.command &&
    a.reason === b.reason &&
    (a.unprivileged?.length ?? 0) === (b.unprivileged?.length ?? 0)
  );
}

/** A boot-clock instant as the wall clock says it now. */
function atWall(clock: Clock, bootMs: number): string {
  return rfc3339(Math.round(clock.wallMs() - (clock.bootMs() - bootMs)));
}

/** The facts of a settle as the fleet sees them, without `since`, `refusals` counted from nothing. */
export function stateOf(found: FreeLock | StaleLock | HotLock, file: string, clock: Clock): LockState {
  const base = { since: null, token: found.token, refusals: 0, file };
  if (found.kind === 'hot') {
    const { verdict, holder, record } = found;
    const until = record === null || record.deadlineBootMs === null ? null : atWall(clock, record.deadlineBootMs);
    return {
      ...{ state: 'HOT', verdict, holder, ...base },
      ...(record === null || record.reason === null ? {} : { reason: record.reason }),
      ...(record?.kind === 'lease' ? { lease: true } : {}),
      ...(until === null ? {} : { until }),
      ...(found.leakedBy === null ? {} : { leaked_by: found.leakedBy }),
      ...(found.path === null ? {} : { path: found.path }),
    };
  }
  const unprivileged = found.unprivileged.length === 0 ? {} : { unprivileged: found.unprivileged };
  if (found.kind === 'free') return { state: 'COLD', verdict: null, holder: null, ...base, ...unprivileged };
  return { state: 'HOT', verdict: 'stale', holder: found.record?.holder ?? null, ...base, ...unprivileged };
}

/**
 * Dates a state: from the record where there is one, else from when this very state was first seen (`before`, or `known` by the
 * control surface), else from now. A wall clock that jumped moves `since` along, so that lengths of time stay right.
 */
export function date(
  found: FreeLock | StaleLock | HotLock,
  lock: LockState,
  before: Shown | null,
  known: string | null,
  clock: Clock,
): Shown {
  const same = before !== null && sameHold(before.lock, lock) ? before : null;
  const nowBootMs = clock.bootMs();
  const record = found.kind === 'free' ? null : found.record;
  const fromRecord = record !== null && record.boot === clock.bootId ? record.sinceBootMs : null;
  const ago = known === null ? null : clock.wallMs() - Date.parse(known);
  const fromSurface = ago === null || ago < 0 || ago > nowBootMs ? null : nowBootMs - ago;
  const sinceBootMs = fromRecord ?? same?.sinceBootMs ?? fromSurface ?? nowBootMs;
  const since = steady(same?.lock.since ?? known, atWall(clock, sinceBootMs));
  const until = lock.until === undefined ? {} : { until: steady(same?.lock.until ?? null, lock.until) };
  return { sinceBootMs, lock: { ...lock, since, ...until } };
}

/** The time already said, unless the wall clock has moved away under it. */
function steady(said: string | null, now: string): string {
  return said !== null && Math.abs(Date.parse(said) - Date.parse(now)) <= WANDER_MS ? said : now;
}
