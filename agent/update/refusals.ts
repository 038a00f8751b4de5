import type { Clock } from '../ports/world.ts';
import type { Code } from '../values/errors.ts';

/** Most events per code and minute for documents that nobody we trust has signed. */
export const UNSIGNED_EVENTS_MAX = 10;
const MINUTE_MS = 60_000;

/** Counts refusals, and says whether one more event about an unsigned document may go out. */
export interface RefusalBudget {
  /** Counts it; true if it may have an event of its own. */
  take(code: Code, signed: boolean): boolean;
  /** All refusals since the start, by code: another object for each that comes. */
  counts(): Readonly<Record<string, number>>;
}

/** Opens a budget that is filled up every minute of the monotonic clock. */
export function openRefusalBudget(clock: Clock): RefusalBudget {
  let counts: Readonly<Record<string, number>> = {};
  const spent = new Map<Code, { readonly sinceMs: number; readonly events: number }>();
  return {
    take(code, signed) {
      counts = { ...counts, [code]: (counts[code] ?? 0) + 1 };
      if (signed) return true;
      const nowMs = clock.bootMs();
      const last = spent.get(code);
      const fresh = last === undefined || nowMs - last.sinceMs >= MINUTE_MS;
      const events = fresh ? 0 : last.events;
      if (events >= UNSIGNED_EVENTS_MAX) return false;
      spent.set(code, { sinceMs: fresh ? nowMs : last.sinceMs, events: events + 1 });
      return true;
    },
    counts: () => counts,
  };
}
