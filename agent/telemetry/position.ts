import type { Battery, Fix, PositionSample } from '../ports/vehicle.ts';
import { apartM, type Place, SPHERE_DEGREE_M } from './geo.ts';

type Velocity = NonNullable<PositionSample['velocity']>;

/** Further than this from where the last position, its velocity and its turn put it: said anew. */
const DEVIATION_M = 5;
/** Said at least this often. */
const EVERY_MS = 10_000;
/** Never more often than this, however it jumps. */
const PAUSE_MS = 200;

/** What goes with a position. */
export interface PositionContext {
  readonly fix: Fix | null;
  readonly battery: Battery | null;
  /** The flight under way; null on the ground. */
  readonly flight: string | null;
}

/** A position as it goes out: what OwnTracks reads, and the exact values with their units. Absent: not known. */
export interface Position {
  readonly _type: 'location';
  readonly lat: number;
  readonly lon: number;
  /** Metres, whole. */
  readonly alt: number;
  /** km/h. */
  readonly vel?: number;
  /** Degrees from north over east; absent where it stands. */
  readonly cog?: number;
  /** Metres. */
  readonly acc?: number;
  /** Percent. */
  readonly batt?: number;
  /** Epoch seconds. */
  readonly tst: number;
  readonly unix_ms: number;
  /** Above mean sea level. */
  readonly alt_m: number;
  /** North, east, down. */
  readonly velocity_mps?: readonly [number, number, number];
  /** How fast the course turns, clockwise; absent where it goes straight. */
  readonly turn_dps?: number;
  readonly heading_deg?: number;
  readonly fix?: Fix['kind'];
  readonly satellites?: number;
  readonly flight?: string;
}

/** Decides when a position is worth saying. Pure: time is the vehicle's own. */
export interface Positions {
  /** What to say of this point; null: whoever reckons from the last one is right to within 5 m. `now`: it is wanted in any case. */
  sample(sample: PositionSample, context: PositionContext, now?: boolean): Position | null;
}

/** Below this speed (m/s) it stands: a receiver's noise has a course too. */
const STANDS_MPS = 1;
/** Places and heights are said to 0.1 m or so, speeds to 0.1 m/s. Effect: half a metre after ten seconds. */
const DIGITS = { degrees: 6, metres: 1, mps: 1 } as const;

function round(value: number, digits: number): number {
  const steps = 10 ** digits;
  // Minus zero is a zero.
  return Math.round(value * steps) / steps + 0;
}

/** From north over east, -180 to 180. */
function courseDeg({ northMps, eastMps }: Velocity): number {
  return (Math.atan2(eastMps, northMps) * 180) / Math.PI;
}

/** Puts a position together. Pure. */
export function positionOf(sample: PositionSample, { fix, battery, flight }: PositionContext): Position {
  const { velocity: v, headingDeg, accuracyM } = sample;
  const speed = v === null ? null : Math.hypot(v.northMps, v.eastMps);
  const course = v === null || speed === null || speed < STANDS_MPS ? null : courseDeg(v);
  return {
    _type: 'location',
    lat: round(sample.latDeg, DIGITS.degrees),
    lon: round(sample.lonDeg, DIGITS.degrees),
    alt: round(sample.altM, 0),
    ...(speed === null ? {} : { vel: round(speed * 3.6, 0) }),
    ...(course === null ? {} : { cog: round((course + 360) % 360, 0) % 360 }),
    ...(accuracyM === null ? {} : { acc: round(accuracyM, 0) }),
    ...(battery?.percent == null ? {} : { batt: round(battery.percent, 0) }),
    tst: Math.floor(sample.unixMs / 1000),
    unix_ms: Math.round(sample.unixMs),
    alt_m: round(sample.altM, DIGITS.metres),
    ...(v === null ? {} : { velocity_mps: velocityOf(v) }),
    ...(headingDeg === null ? {} : { heading_deg: round(headingDeg, 1) }),
    ...(fix === null ? {} : { fix: fix.kind }),
    ...(fix?.satellites == null ? {} : { satellites: fix.satellites }),
    ...(flight === null ? {} : { flight }),
  };
}

function velocityOf({ northMps, eastMps, downMps }: Velocity): readonly [number, number, number] {
  return [round(northMps, DIGITS.mps), round(eastMps, DIGITS.mps), round(downMps, DIGITS.mps)];
}

/** A turn is told from the courses of so long. */
const TURN_MS = 1_000;
/** Slower than this (degrees a second) it goes straight: the rest is noise. */
const TURN_MIN_DPS = 1;

/**
 * How fast its course turns, in degrees a second, clockwise; 0 where it goes straight, or it is not known: the middle one of the turns from
 * one point to the next. Reason: right after a corner it goes straight on, and a mean would have it turn. Pure.
 */
export function turnDps(points: readonly PositionSample[]): number {
  const turns = points.flatMap(({ velocity: to, bootMs }, n) => {
    const before = points[n - 1];
    if (before === undefined || before.velocity === null || to === null || bootMs <= before.bootMs) return [];
    const turned = ((((courseDeg(to) - courseDeg(before.velocity)) % 360) + 540) % 360) - 180;
    return [(turned * 1000) / (bootMs - before.bootMs)];
  });
  const sorted = turns.sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  const now = points.at(-1)?.velocity;
  if (low === undefined || high === undefined || now == null) return 0;
  const dps = (low + high) / 2;
  const stands = Math.hypot(now.northMps, now.eastMps) < STANDS_MPS;
  return stands || Math.abs(dps) < TURN_MIN_DPS ? 0 : round(dps, 1);
}

/**
 * Where somebody who has only this position takes it to be `s` seconds later: on with its velocity, along the arc of its turn; what has no
 * course stands, but may rise or sink. Pure.
 */
function reckoned(
  { lat, lon, alt_m: altM, cog, velocity_mps: velocity, turn_dps: dps = 0 }: Position,
  s: number,
): Place {
  const [northMps, eastMps, downMps] = velocity ?? [0, 0, 0];
  const high = altM - downMps * s;
  if (cog === undefined) return { latDeg: lat, lonDeg: lon, altM: high };
  const angle = (dps * s * Math.PI) / 180;
  // An arc, seen along and across the course at its beginning, in units of the straight way.
  const along = angle === 0 ? 1 : Math.sin(angle) / angle;
  const across = angle === 0 ? 0 : (1 - Math.cos(angle)) / angle;
  const north = (northMps * along - eastMps * across) * s;
  const east = (eastMps * along + northMps * across) * s;
  const lonM = SPHERE_DEGREE_M * Math.cos((lat * Math.PI) / 180);
  return { latDeg: lat + north / SPHERE_DEGREE_M, lonDeg: lon + east / lonM, altM: high };
}

/** Makes it; the first point is always worth it. */
export function openPositions(): Positions {
  let said: { readonly bootMs: number; readonly position: Position } | null = null;
  let recent: PositionSample[] = [];
  return {
    sample(sample, context, now = false) {
      recent = [...recent.filter(({ bootMs }) => bootMs < sample.bootMs && sample.bootMs - bootMs <= TURN_MS), sample];
      if (said !== null && !now) {
        const passedMs = sample.bootMs - said.bootMs;
        const restarted = passedMs < 0;
        if (!restarted && passedMs < PAUSE_MS) return null;
        const off = apartM(reckoned(said.position, passedMs / 1000), sample);
        if (!restarted && passedMs < EVERY_MS && off <= DEVIATION_M) return null;
      }
      const dps = turnDps(recent);
      const position = { ...positionOf(sample, context), ...(dps === 0 ? {} : { turn_dps: dps }) };
      said = { bootMs: sample.bootMs, position };
      return position;
    },
  };
}
