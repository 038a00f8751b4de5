import type { PositionSample } from '../agent/ports/vehicle.ts';
import { apartM } from '../agent/telemetry/geo.ts';

/** True if the even way from `a` to `b` is within the bound at every point between. */
function isNear(points: readonly PositionSample[], a: number, b: number, boundM: number): boolean {
  const [from, to] = [points[a], points[b]];
  if (from === undefined || to === undefined) return false;
  return points.slice(a + 1, b).every((point) => {
    const part = (point.bootMs - from.bootMs) / (to.bootMs - from.bootMs);
    const at = (name: 'latDeg' | 'lonDeg' | 'altM') => from[name] + part * (to[name] - from[name]);
    return apartM(point, { latDeg: at('latDeg'), lonDeg: at('lonDeg'), altM: at('altM') }) <= boundM;
  });
}

/** How few of these points make a way within the bound at every one of them, for somebody who knows them all beforehand. */
export function fewestPoints(points: readonly PositionSample[], boundM: number): number {
  const fewest = points.map((_, n) => (n === 0 ? 1 : Number.POSITIVE_INFINITY));
  for (const from of points.keys()) {
    const next = (fewest[from] ?? 0) + 1;
    for (let to = from + 1; to < points.length; to += 1) {
      if (next < (fewest[to] ?? 0) && isNear(points, from, to, boundM)) fewest[to] = next;
    }
  }
  return fewest.at(-1) ?? 0;
}
