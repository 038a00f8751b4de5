import type { Clock } from '../ports/world.ts';

/** The vehicle's own clock, told as Unix time. */
export interface VehicleClock {
  /** It said what Unix time (ms) it was at `bootMs` of its own clock; nonsense is left aside. */
  told(unixMs: number, bootMs: number): void;
  /** Unix ms at `bootMs`; before the vehicle told its time, by the wall clock, and by that as it is now where somebody has set it. */
  unixMs(bootMs: number): number;
  /** Its own clock began anew. */
  restarted(): void;
}

/** A vehicle without satellites says 1970; no flight is older than this. */
const OLDEST_MS = Date.UTC(2017, 0, 1);
/** Being off by less is no reason to move the time in mid-flight. */
const OFF_MAX_MS = 1_000;

/** Makes it. Its time runs as the vehicle's own clock does: it is moved only where it is off by over a second. */
export function createVehicleClock({ wallMs, bootMs: runMs }: Pick<Clock, 'wallMs' | 'bootMs'>): VehicleClock {
  let offsetMs: number | null = null;
  /** How far the wall clock was ahead of the one that nobody sets, when the vehicle's was told by it; null: it was not. */
  let aheadMs: number | null = null;
  return {
    told(unixMs, bootMs) {
      if (unixMs < OLDEST_MS) return;
      const told = unixMs - bootMs;
      if (offsetMs === null || Math.abs(told - offsetMs) > OFF_MAX_MS) offsetMs = told;
      aheadMs = null;
    },
    unixMs(bootMs) {
      if (offsetMs === null) {
        offsetMs = wallMs() - bootMs;
        aheadMs = wallMs() - runMs();
      }
      const setMs = aheadMs === null ? 0 : wallMs() - runMs() - aheadMs;
      if (aheadMs !== null && Math.abs(setMs) > OFF_MAX_MS) {
        offsetMs += setMs;
        aheadMs += setMs;
      }
      return bootMs + offsetMs;
    },
    restarted() {
      offsetMs = null;
      aheadMs = null;
    },
  };
}
