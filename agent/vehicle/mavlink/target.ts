/** Where something is on the globe; degrees, metres above mean sea level and above home. */
export interface GlobalPlace {
  readonly latDeg: number;
  readonly lonDeg: number;
  readonly altM: number;
  /** Null where unknown. */
  readonly aboveHomeM: number | null;
}

/** Where something is from the vehicle's own origin; metres north, east, down. */
export interface LocalPlace {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** What the autopilot steers to: `mask` says which parts of it to leave aside, `frame` what its height counts from. */
export interface Target<Place> {
  readonly mask: number;
  readonly frame: number;
  readonly place: Place;
}

/** Bits of the mask (POSITION_TARGET_TYPEMASK): this part is not steered to. */
const IGNORE = { x: 1, y: 2, z: 4 } as const;
/** MAV_FRAME: heights above mean sea level, above home; local north-east-down. Others are not compared. */
const ABOVE_SEA: readonly number[] = [0, 5];
const ABOVE_HOME: readonly number[] = [3, 6];
const LOCAL_NED = 1;
/** Metres a degree of latitude. Source: mean radius of the Earth; good to 0.5 %. */
const M_PER_DEG = 111_195;

/** |target - position| in metres along the parts that are steered to; null where there are none, or they cannot be compared. Pure. */
export function globalCorrectionM({ mask, frame, place }: Target<GlobalPlace>, now: GlobalPlace): number | null {
  const aboveM = ABOVE_SEA.includes(frame) ? now.altM : ABOVE_HOME.includes(frame) ? now.aboveHomeM : null;
  const north = (place.latDeg - now.latDeg) * M_PER_DEG;
  const east = shortWayDeg(now.lonDeg, place.lonDeg) * M_PER_DEG * Math.cos((now.latDeg * Math.PI) / 180);
  return length(mask, north, east, aboveM === null ? null : place.altM - aboveM);
}

/** The same from the vehicle's own origin. Pure. */
export function localCorrectionM({ mask, frame, place }: Target<LocalPlace>, now: LocalPlace): number | null {
  return frame === LOCAL_NED ? length(mask, place.x - now.x, place.y - now.y, place.z - now.z) : null;
}

/** The place on the way from one to another, this part of it done; over the date line it is a short way. Pure. */
export function globalBetween(from: GlobalPlace, to: GlobalPlace, part: number): GlobalPlace {
  const height = (a: number | null, b: number | null) => (a === null || b === null ? null : a + part * (b - a));
  return {
    latDeg: from.latDeg + part * (to.latDeg - from.latDeg),
    lonDeg: from.lonDeg + part * shortWayDeg(from.lonDeg, to.lonDeg),
    altM: from.altM + part * (to.altM - from.altM),
    aboveHomeM: height(from.aboveHomeM, to.aboveHomeM),
  };
}

/** The same from the vehicle's own origin. Pure. */
export function localBetween(from: LocalPlace, to: LocalPlace, part: number): LocalPlace {
  return {
    x: from.x + part * (to.x - from.x),
    y: from.y + part * (to.y - from.y),
    z: from.z + part * (to.z - from.z),
  };
}

function shortWayDeg(fromDeg: number, toDeg: number): number {
  return ((toDeg - fromDeg + 540) % 360) - 180;
}

function length(mask: number, x: number, y: number, z: number | null): number | null {
  const parts = [
    ...((mask & IGNORE.x) === 0 ? [x] : []),
    ...((mask & IGNORE.y) === 0 ? [y] : []),
    ...((mask & IGNORE.z) === 0 && z !== null ? [z] : []),
  ];
  const sum = Math.hypot(...parts);
  return parts.length === 0 || !Number.isFinite(sum) ? null : sum;
}
