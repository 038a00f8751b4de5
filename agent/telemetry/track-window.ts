import type { TrackPoint } from '../values/track.ts';
import { DEGREE_M } from './geo.ts';

/** Most points between two that are kept. Reason: each new one is compared with all of them; at 10 Hz it is a minute. */
const WINDOW_MAX = 600;
/** So often the end of a window is moved before it is given up. Effect: the more, the longer a window, with less and less gained. */
const MOVES_MAX = 24;
/** An end is moved this much further than the bound asks for. Reason: what only just touches it would need many moves. */
const FURTHER = 1.02;
/** How exactly points are said, in steps of a degree and of a metre. Coarse moves a point by 0.1 m at most, fine by 0.01 m. */
const COARSE = { degree: 1e6, metre: 10 } as const;
const FINE = { degree: 1e7, metre: 100 } as const;
/** Coarse is good enough from this bound on, in metres. */
const COARSE_FROM_M = 0.9;

/** Where a window may end: `beside` the way, within the bound, if it gets longer by that; or `on` one of the points it was given. */
type Ends = 'beside' | 'on';

/**
 * Leaves out points that a straight, even way between two others passes within a bound at their time: an opening window with the
 * time-synchronised distance, in three dimensions. A window that would end otherwise may end beside the way, within the bound too: a circle
 * needs a quarter fewer points then.
 */
export interface TrackWindow {
  /** Takes a point that is later than the one before; gives the point that has to be kept because of it, or null. */
  add(point: TrackPoint): TrackPoint | null;
  /** Ends the window at its last point, which has to be kept too; null if that is kept already. The next window begins there. */
  close(): TrackPoint | null;
  /** Where the window would end now, at the time of the last point. */
  last(): TrackPoint | null;
}

/** A point with the length of a degree of longitude there. */
interface Seen {
  readonly point: TrackPoint;
  readonly lonM: number;
}

/** How far, squared (m²), `seen` is from the even way from `a` to `b` at its time. Pure. */
function off2(a: TrackPoint, b: TrackPoint, { point, lonM }: Seen): number {
  const part = (point[3] - a[3]) / (b[3] - a[3]);
  const east = (a[0] + part * (b[0] - a[0]) - point[0]) * lonM;
  const north = (a[1] + part * (b[1] - a[1]) - point[1]) * DEGREE_M;
  const up = a[2] + part * (b[2] - a[2]) - point[2];
  return east * east + north * north + up * up;
}

/** A point and how far off it is, squared; null where none is off at all. */
interface Far {
  readonly seen: Seen | null;
  readonly off2: number;
}

/** Of those on the even way from `a` to `b` the one that is furthest from it. Pure. */
function furthest(a: TrackPoint, b: TrackPoint, all: readonly Seen[]): Far {
  let most: Far = { seen: null, off2: 0 };
  for (const seen of all) {
    const far2 = off2(a, b, seen);
    if (far2 > most.off2) most = { seen, off2: far2 };
  }
  return most;
}

/** As it is said. Pure. */
function rounded([lon, lat, altM, unixMs]: TrackPoint, boundM: number): TrackPoint {
  const { degree, metre } = boundM < COARSE_FROM_M ? FINE : COARSE;
  return [
    Math.round(lon * degree) / degree,
    Math.round(lat * degree) / degree,
    Math.round(altM * metre) / metre,
    unixMs,
  ];
}

/**
 * An end, at the time of the last of `all`, from which the even way back to `from` is within the bound at every one of them; null if none
 * was found. Each move brings the way near enough to the point that is furthest from it. Pure.
 */
function endOf(from: TrackPoint, all: readonly Seen[], boundM: number): TrackPoint | null {
  let to = all.at(-1)?.point ?? from;
  for (let moves = 0; moves <= MOVES_MAX; moves += 1) {
    const end = rounded(to, boundM);
    const { seen, off2: far2 } = furthest(from, end, all);
    if (seen === null || far2 <= boundM * boundM) return end;
    const { point } = seen;
    const part = (point[3] - from[3]) / (to[3] - from[3]);
    // The end moves by more than the way does there, the more the nearer to its beginning.
    const share = (FURTHER * (1 - boundM / Math.sqrt(far2))) / part;
    const [lon, lat, altM] = to;
    const moved = (value: number, start: number, wanted: number) =>
      value - share * (start + part * (value - start) - wanted);
    to = [moved(lon, from[0], point[0]), moved(lat, from[1], point[1]), moved(altM, from[2], point[2]), to[3]];
  }
  return null;
}

/** Makes a window; its first point is kept. `boundM` in metres. */
export function openTrackWindow(boundM: number, ends: Ends = 'beside'): TrackWindow {
  let anchor: TrackPoint | null = null;
  let between: Seen[] = [];
  let end: TrackPoint | null = null;
  const said = (point: TrackPoint) => (ends === 'on' ? point : rounded(point, boundM));
  const ending = (from: TrackPoint, point: TrackPoint) => {
    if (ends === 'beside') return endOf(from, between, boundM);
    return furthest(from, point, between).off2 <= boundM * boundM ? point : null;
  };
  return {
    add(point) {
      if (anchor === null) {
        anchor = said(point);
        return anchor;
      }
      between.push({ point, lonM: DEGREE_M * Math.cos((point[1] * Math.PI) / 180) });
      const next = between.length <= WINDOW_MAX ? ending(anchor, point) : null;
      if (next !== null) {
        end = next;
        return null;
      }
      // Up to the last point the way was near enough: that was looked at when it came.
      anchor = end ?? anchor;
      between = between.slice(-1);
      end = said(point);
      return anchor;
    },
    close() {
      const over = end;
      if (over !== null) anchor = over;
      between = [];
      end = null;
      return over;
    },
    last: () => end ?? anchor,
  };
}

/** Those of these points that a window keeps, the first and the last among them, each as it is. Pure. */
export function thin(points: readonly TrackPoint[], boundM: number): readonly TrackPoint[] {
  const window = openTrackWindow(boundM, 'on');
  const kept: TrackPoint[] = [];
  for (const point of points) {
    const key = window.add(point);
    if (key !== null) kept.push(key);
  }
  const end = window.close();
  return end === null ? kept : [...kept, end];
}
