import type { Battery, Fix, PositionSample } from '../ports/vehicle.ts';
import { apartM, SPHERE_DEGREE_M } from './geo.ts';

/** Further than this from where the last position and its velocity put it: said anew. */
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
  /** Degrees from north over east. */
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

function round(value: number, digits: number): number {
  const steps = 10 ** digits;
  // Minus zero is a zero.
  return Math.round(value * steps) / steps + 0;
}

/** Puts a position together. Pure. */
export function positionOf(sample: PositionSample, { fix, battery, flight }: PositionContext): Position {
  const { velocity: v, headingDeg, accuracyM } = sample;
  const speed = v === null ? null : Math.hypot(v.northMps, v.eastMps);
  // The course of something that stands is noise.
  const course =
    v === null || speed === null || speed < 0.5 ? null : (Math.atan2(v.eastMps, v.northMps) * 180) / Math.PI;
  return {
    _type: 'location',
    lat: round(sample.latDeg, 7),
    lon: round(sample.lonDeg, 7),
    alt: round(sample.altM, 0),
    ...(speed === null ? {} : { vel: round(speed * 3.6, 0) }),
    ...(course === null ? {} : { cog: round((course + 360) % 360, 0) % 360 }),
    ...(accuracyM === null ? {} : { acc: round(accuracyM, 0) }),
    ...(battery?.percent == null ? {} : { batt: round(battery.percent, 0) }),
    tst: Math.floor(sample.unixMs / 1000),
    unix_ms: Math.round(sample.unixMs),
    alt_m: round(sample.altM, 2),
    ...(v === null ? {} : { velocity_mps: [round(v.northMps, 2), round(v.eastMps, 2), round(v.downMps, 2)] as const }),
    ...(headingDeg === null ? {} : { heading_deg: round(headingDeg, 1) }),
    ...(fix === null ? {} : { fix: fix.kind }),
    ...(fix?.satellites == null ? {} : { satellites: fix.satellites }),
    ...(flight === null ? {} : { flight }),
  };
}

/** A turn is told from the course this long ago. */
const TURN_MS = 1_000;
/** Below this speed (m/s) and this rate (degrees a second) it goes straight: the rest is noise. */
const TURN_MIN = { mps: 3, dps: 1 } as const;

/** How fast its course turns, in degrees a second, clockwise; 0 where it goes straight, or it is not known. Pure. */
export function turnDps(before: PositionSample, now: PositionSample): number {
  const [a, b] = [before.velocity, now.velocity];
  const passedMs = now.bootMs - before.bootMs;
  if (a === null || b === null || passedMs <= 0 || Math.hypot(b.northMps, b.eastMps) < TURN_MIN.mps) return 0;
  const [from, to] = [a, b].map(({ northMps, eastMps }) => (Math.atan2(eastMps, northMps) * 180) / Math.PI);
  const turned = (((((to ?? 0) - (from ?? 0)) % 360) + 540) % 360) - 180;
  const dps = (turned * 1000) / passedMs;
  return Math.abs(dps) < TURN_MIN.dps ? 0 : Math.round(dps * 10) / 10;
}

/** Where somebody who has only `last` takes it to be at `bootMs`: on with its velocity, along the arc of its turn. Pure. */
function reckoned({ sample: last, dps }: Said, bootMs: number) {
  const { latDeg, lonDeg, altM, velocity } = last;
  if (velocity === null) return { latDeg, lonDeg, altM };
  const s = (bootMs - last.bootMs) / 1000;
  const angle = (dps * s * Math.PI) / 180;
  // An arc, seen along and across the course at its beginning, in units of the straight way.
  const along = angle === 0 ? 1 : Math.sin(angle) / angle;
  const across = angle === 0 ? 0 : (1 - Math.cos(angle)) / angle;
  const north = (velocity.northMps * along - velocity.eastMps * across) * s;
  const east = (velocity.eastMps * along + velocity.northMps * across) * s;
  const lonM = SPHERE_DEGREE_M * Math.cos((latDeg * Math.PI) / 180);
  return {
    latDeg: latDeg + north / SPHERE_DEGREE_M,
    lonDeg: lonDeg + east / lonM,
    altM: altM - velocity.downMps * s,
  };
}

/** The last position that went out. */
interface Said {
  readonly sample: PositionSample;
  readonly dps: number;
}

/** Makes it; the first point is always worth it. */
export function openPositions(): Positions {
  let said: Said | null = null;
  let recent: PositionSample[] = [];
  return {
    sample(sample, context, now = false) {
      recent = [...recent.filter(({ bootMs }) => bootMs < sample.bootMs && sample.bootMs - bootMs <= TURN_MS), sample];
      if (said !== null && !now) {
        const passedMs = sample.bootMs - said.sample.bootMs;
        const restarted = passedMs < 0;
        if (!restarted && passedMs < PAUSE_MS) return null;
        if (!restarted && passedMs < EVERY_MS && apartM(reckoned(said, sample.bootMs), sample) <= DEVIATION_M)
          return null;
      }
      const dps = turnDps(recent[0] ?? sample, sample);
      said = { sample, dps };
      return { ...positionOf(sample, context), ...(dps === 0 ? {} : { turn_dps: dps }) };
    },
  };
}
