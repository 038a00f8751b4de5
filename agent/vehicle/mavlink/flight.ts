import type { Battery, Fix, PositionSample } from '../../ports/vehicle.ts';
import type { VehicleClock } from '../vehicle-clock.ts';
import { createCorrection } from './correction.ts';
import type { MavFrame } from './frames.ts';
import { MESSAGES, readField } from './messages.ts';
import {
  type GlobalPlace,
  globalBetween,
  globalCorrectionM,
  type LocalPlace,
  localBetween,
  localCorrectionM,
  type Target,
} from './target.ts';

/** What the autopilot says of its flight, as it was last heard. */
export interface Flight {
  /** Takes a frame of the autopilot; gives a position where it brings one. */
  take(frame: MavFrame, nowMs: number): PositionSample | null;
  correctionM(nowMs: number): number | null;
  fix(nowMs: number): Fix | null;
  battery(nowMs: number): Battery | null;
  missionItem(nowMs: number): number | null;
}

/** What was heard last, and when. */
interface Heard<T> {
  readonly atMs: number;
  readonly what: T;
}

/** A value that has not been heard for so long says nothing about now. Reason: the slowest is asked for once a second. */
const FRESH_MS = 5_000;
/** Values that stand for `unknown`. */
const NO_HEADING = 65_535;
const NO_VOLTAGE = 65_535;
const NO_PERCENT = -1;
const NO_COUNT = 255;

/** Makes it. */
export function createFlight(time: VehicleClock): Flight {
  const heard: {
    fix: Heard<Fix & { readonly accuracyM: number | null }> | null;
    system: Heard<Battery> | null;
    first: Heard<Battery> | null;
    mission: Heard<number> | null;
  } = { fix: null, system: null, first: null, mission: null };
  const global = createCorrection<GlobalPlace, Target<GlobalPlace>>({
    ...{ freshMs: FRESH_MS, between: globalBetween, apartM: globalCorrectionM },
  });
  const local = createCorrection<LocalPlace, Target<LocalPlace>>({
    ...{ freshMs: FRESH_MS, between: localBetween, apartM: localCorrectionM },
  });
  const fresh = <T>(last: Heard<T> | null, nowMs: number): T | null =>
    last === null || nowMs - last.atMs > FRESH_MS ? null : last.what;

  const position = (payload: Uint8Array, atMs: number): PositionSample | null => {
    const { fields } = MESSAGES.GLOBAL_POSITION_INT;
    const read = (name: keyof typeof fields) => readField(payload, fields[name]);
    const [latE7, lonE7, heading] = [read('lat'), read('lon'), read('hdg')];
    // Without a fix it says the place where both are zero.
    if (latE7 === 0 && lonE7 === 0) return null;
    const bootMs = read('time_boot_ms');
    const place = { latDeg: latE7 / 1e7, lonDeg: lonE7 / 1e7, altM: read('alt') / 1000 };
    global.place(bootMs, { ...place, aboveHomeM: read('relative_alt') / 1000 });
    // Without a fix an autopilot goes on telling the place it reckons with, which may drift away by any distance.
    if (fresh(heard.fix, atMs)?.kind === 'none') return null;
    return {
      bootMs,
      unixMs: time.unixMs(bootMs),
      ...place,
      velocity: { northMps: read('vx') / 100, eastMps: read('vy') / 100, downMps: read('vz') / 100 },
      headingDeg: heading === NO_HEADING ? null : heading / 100,
      accuracyM: fresh(heard.fix, atMs)?.accuracyM ?? null,
    };
  };
  const satellites = (payload: Uint8Array) => {
    const { fix_type, satellites_visible, h_acc } = MESSAGES.GPS_RAW_INT.fields;
    const type = readField(payload, fix_type);
    const count = readField(payload, satellites_visible);
    const accuracyMm = readField(payload, h_acc);
    return {
      kind: type >= 3 ? ('3d' as const) : type === 2 ? ('2d' as const) : ('none' as const),
      satellites: count === NO_COUNT ? null : count,
      accuracyM: accuracyMm === 0 ? null : accuracyMm / 1000,
    };
  };
  const target = (payload: Uint8Array, atMs: number, isGlobal: boolean) => {
    if (isGlobal) {
      const { fields } = MESSAGES.POSITION_TARGET_GLOBAL_INT;
      const read = (name: keyof typeof fields) => readField(payload, fields[name]);
      const place = { latDeg: read('lat_int') / 1e7, lonDeg: read('lon_int') / 1e7, altM: read('alt') };
      const what = { mask: read('type_mask'), frame: read('coordinate_frame') };
      global.target(read('time_boot_ms'), { ...what, place: { ...place, aboveHomeM: null } }, atMs);
      return;
    }
    const { fields } = MESSAGES.POSITION_TARGET_LOCAL_NED;
    const read = (name: keyof typeof fields) => readField(payload, fields[name]);
    const place = { x: read('x'), y: read('y'), z: read('z') };
    local.target(read('time_boot_ms'), { mask: read('type_mask'), frame: read('coordinate_frame'), place }, atMs);
  };
  const batteryOf = (percent: number, millivolts: number): Battery => ({
    percent: percent === NO_PERCENT ? null : percent,
    volts: millivolts === NO_VOLTAGE || millivolts === 0 ? null : millivolts / 1000,
  });

  return {
    take({ id, payload }, atMs) {
      switch (id) {
        case MESSAGES.GLOBAL_POSITION_INT.id:
          return position(payload, atMs);
        case MESSAGES.GPS_RAW_INT.id:
          heard.fix = { atMs, what: satellites(payload) };
          return null;
        case MESSAGES.SYSTEM_TIME.id: {
          const { time_unix_usec, time_boot_ms } = MESSAGES.SYSTEM_TIME.fields;
          time.told(Math.round(readField(payload, time_unix_usec) / 1000), readField(payload, time_boot_ms));
          return null;
        }
        case MESSAGES.LOCAL_POSITION_NED.id: {
          const { time_boot_ms, x, y, z } = MESSAGES.LOCAL_POSITION_NED.fields;
          const place = { x: readField(payload, x), y: readField(payload, y), z: readField(payload, z) };
          local.place(readField(payload, time_boot_ms), place);
          return null;
        }
        case MESSAGES.POSITION_TARGET_GLOBAL_INT.id:
        case MESSAGES.POSITION_TARGET_LOCAL_NED.id:
          target(payload, atMs, id === MESSAGES.POSITION_TARGET_GLOBAL_INT.id);
          return null;
        case MESSAGES.SYS_STATUS.id: {
          const { battery_remaining, voltage_battery } = MESSAGES.SYS_STATUS.fields;
          const percent = readField(payload, battery_remaining);
          heard.system = { atMs, what: batteryOf(percent, readField(payload, voltage_battery)) };
          return null;
        }
        case MESSAGES.BATTERY_STATUS.id: {
          // Of several, the first is the one that keeps it up. Its first cell may stand for all; the sum is the system's to say.
          const { id: number, battery_remaining } = MESSAGES.BATTERY_STATUS.fields;
          if (readField(payload, number) === 0) {
            heard.first = { atMs, what: batteryOf(readField(payload, battery_remaining), NO_VOLTAGE) };
          }
          return null;
        }
        case MESSAGES.MISSION_CURRENT.id:
          heard.mission = { atMs, what: readField(payload, MESSAGES.MISSION_CURRENT.fields.seq) };
          return null;
        default:
          return null;
      }
    },
    correctionM: (nowMs) => global.metres(nowMs) ?? local.metres(nowMs),
    fix(nowMs) {
      const last = fresh(heard.fix, nowMs);
      return last === null ? null : { kind: last.kind, satellites: last.satellites };
    },
    battery(nowMs) {
      const system = fresh(heard.system, nowMs);
      const first = fresh(heard.first, nowMs);
      if (system === null && first === null) return null;
      return { percent: system?.percent ?? first?.percent ?? null, volts: system?.volts ?? null };
    },
    missionItem: (nowMs) => fresh(heard.mission, nowMs),
  };
}
