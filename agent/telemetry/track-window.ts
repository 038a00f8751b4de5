import type { TrackPoint } from '../values/track.ts';
import { DEGREE_M } from './geo.ts';

/** Most points between two that are kept. Reason: each new one is compared with all of them; at 10 Hz it is a minute. */
const WINDOW_MAX = 600;

/**
 * Leaves out points that a straight, even way between two others passes within a bound at their time: an opening window with the
 * time-synchronised distance, in three dimensions.
 */
export interface TrackWindow {
  /** Takes a point that is later than the one before; gives the point that has to be kept because of it, or null. */
  add(point: TrackPoint): TrackPoint | null;
  /** Ends the window at its last point, which has to be kept too; null if that is kept already. The next window begins there. */
  close(): TrackPoint | null;
  last(): TrackPoint | null;
}

/** A point with the length of a degree of longitude there. */
interface Seen {
  readonly point: TrackPoint;
  readonly lonM: number;
}

/** True if `seen` is within `bound2` (m²) of the even way from `a` to `b` at its time. Pure. */
function isNear(a: TrackPoint, b: TrackPoint, { point, lonM }: Seen, bound2: number): boolean {
  const part = (point[3] - a[3]) / (b[3] - a[3]);
  const east = (a[0] + part * (b[0] - a[0]) - point[0]) * lonM;
  const north = (a[1] + part * (b[1] - a[1]) - point[1]) * DEGREE_M;
  const up = a[2] + part * (b[2] - a[2]) - point[2];
  return east * east + north * north + up * up <= bound2;
}

/** Makes a window; its first point is kept. `boundM` in metres. */
export function openTrackWindow(boundM: number): TrackWindow {
  const bound2 = boundM * boundM;
  let anchor: TrackPoint | null = null;
  let between: Seen[] = [];
  const last = () => between.at(-1)?.point ?? anchor;
  return {
    add(point) {
      if (anchor === null) {
        anchor = point;
        return point;
      }
      const from = anchor;
      const seen = { point, lonM: DEGREE_M * Math.cos((point[1] * Math.PI) / 180) };
      if (between.length < WINDOW_MAX && between.every((one) => isNear(from, point, one, bound2))) {
        between.push(seen);
        return null;
      }
      // Up to the last point the way was near enough: that was looked at when it came.
      anchor = last() ?? point;
      between = [seen];
      return anchor;
    },
    close() {
      const end = between.at(-1)?.point ?? null;
      if (end !== null) anchor = end;
      between = [];
      return end;
    },
    last,
  };
}

/** Every point that a window keeps of these. Pure. */
export function thin(points: readonly TrackPoint[], boundM: number): readonly TrackPoint[] {
  const window = openTrackWindow(boundM);
  const kept: TrackPoint[] = [];
  for (const point of points) {
    const key = window.add(point);
    if (key !== null) kept.push(key);
  }
  const end = window.close();
  return end === null ? kept : [...kept, end];
}
