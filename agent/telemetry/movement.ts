import type { PositionSample } from '../ports/vehicle.ts';
import { apartM, type Place } from './geo.ts';

/** Further than this from where it stood, within a minute: it moves. Reason: what a receiver at rest wanders in that time is less. */
const MOVED_M = 15;
/** Where it stands is looked at anew this often, and after so long within {@link MOVED_M} it rests. */
const REST_MS = 60_000;

/** Tells from the way alone whether a vehicle is under way: for sources that know nothing of arming. */
export interface Movement {
  /** True if it is under way as of this point. */
  add(sample: PositionSample): boolean;
}

/** Makes it. `wasMoving`: as it was when it was seen last. */
export function openMovement(wasMoving: boolean): Movement {
  let moving = wasMoving;
  let from: (Place & { readonly atMs: number }) | null = null;
  return {
    add(sample) {
      const { bootMs: atMs, latDeg, lonDeg, altM } = sample;
      const here = { latDeg, lonDeg, altM, atMs };
      // The source began anew: so does the look.
      if (from === null || atMs < from.atMs) from = here;
      // A receiver's height wanders more than its place: it is left out.
      const farM = Math.max(MOVED_M, 3 * (sample.accuracyM ?? 0));
      if (apartM({ ...from, altM }, here) > farM) {
        moving = true;
        from = here;
      } else if (atMs - from.atMs >= REST_MS) {
        moving = false;
        from = here;
      }
      return moving;
    },
  };
}
