/**
 * Largest radius of curvature of WGS 84 (over the poles), in metres. Effect: a distance is never taken for shorter than any common model
 * of the earth has it, and for at most 1.1 % longer.
 */
const RADIUS_M = 6_399_594;
/** Metres in a degree of latitude. */
export const DEGREE_M = (RADIUS_M * Math.PI) / 180;

/** The same on the sphere that most take the earth for. Source: mean radius 6,371,008.8 m (IUGG). */
export const SPHERE_DEGREE_M = (6_371_008.8 * Math.PI) / 180;

/** A place: degrees (WGS 84) and metres above mean sea level. */
export interface Place {
  readonly latDeg: number;
  readonly lonDeg: number;
  readonly altM: number;
}

/** The longitude, plus or minus full turns, that is nearest to another one. Pure. */
export function nearestTurn(lonDeg: number, toLonDeg: number): number {
  return lonDeg + 360 * Math.round((toLonDeg - lonDeg) / 360);
}

/** How far apart two places are that are near each other, in metres, in three dimensions. Pure. */
export function apartM(a: Place, b: Place): number {
  const north = (b.latDeg - a.latDeg) * DEGREE_M;
  const east = (nearestTurn(b.lonDeg, a.lonDeg) - a.lonDeg) * DEGREE_M * Math.cos((a.latDeg * Math.PI) / 180);
  return Math.hypot(north, east, b.altM - a.altM);
}
