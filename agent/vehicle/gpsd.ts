import type { Fix, PositionSample, Reply, VehicleState, Wire } from '../ports/vehicle.ts';
import type { Clock } from '../ports/world.ts';
import { LATE_MAX_MS } from '../values/vehicle.ts';
import { type KeepOpenPorts, keepOpen } from './keep-open.ts';
import { createListeners, type Source } from './source.ts';
import { createVehicleClock } from './vehicle-clock.ts';

/** What a gpsd source is made of. */
export interface GpsdInput extends KeepOpenPorts {
  readonly clock: Clock;
  readonly wire: Wire;
  /** Receiver to listen to; null: all that gpsd has. */
  readonly device: string | null;
  /** The device cannot move, so it is safe at any time. */
  readonly cannotMove: boolean;
}

/** Longest line; gpsd's own are far shorter. */
const LINE_MAX = 65_536;
/** A fix that was not said again for so long says nothing about now. */
const FRESH_MS = 10_000;
/** gpsd's errors hold in 95 of 100 cases: about two sigma. Source: gpsd_json(5). */
const SIGMAS = 2;

type Report = Readonly<Record<string, unknown>>;

/** Opens gpsd over a wire. It never tells whether something flies; what flies is told by movement. */
export function openGpsd(input: GpsdInput): Source {
  const { clock, wire } = input;
  const samples = createListeners<PositionSample>();
  const seen: { messages: number; bytes: number; lastBootMs: number | null; refused: number } = {
    ...{ messages: 0, bytes: 0, lastBootMs: null, refused: 0 },
  };
  const own: {
    wire: string;
    fix: { readonly atMs: number; readonly kind: Fix['kind'] } | null;
    used: number | null;
    altM: number | null;
  } = { wire: 'not opened yet', fix: null, used: null, altM: null };
  const time = { lastMs: Number.NEGATIVE_INFINITY };
  // What a receiver dates is by these times too: a wall clock that is set must not cut its flight in two.
  const dates = createVehicleClock({ wallMs: clock.wallMs, bootMs: clock.wallMs });

  /**
   * The receiver's own clock is Unix time. Reason: counted from the first position it would begin anew with each start of the agent, and
   * end the flight under way. Falls where the receiver had it wrong before; null for one that is a little late.
   */
  const sourceMs = (unixMs: number): number | null => {
    // One without a time of its own was dated by how time went on, and the next may be dated a little before it.
    if (unixMs < time.lastMs && unixMs >= time.lastMs - LATE_MAX_MS) return null;
    time.lastMs = unixMs;
    return unixMs;
  };
  const position = (report: Report) => {
    const mode = numberIn(report, 'mode') ?? 0;
    const kind = mode >= 3 ? '3d' : mode === 2 ? '2d' : 'none';
    own.fix = { atMs: clock.bootMs(), kind };
    const [latDeg, lonDeg] = [numberIn(report, 'lat'), numberIn(report, 'lon')];
    if (kind === 'none' || latDeg === null || lonDeg === null || (latDeg === 0 && lonDeg === 0)) return;
    const told = typeof report.time === 'string' ? Date.parse(report.time) : Number.NaN;
    const nowMs = clock.bootMs();
    // gpsd's first report after its start has no time: the receiver's goes on, for the wall clock may be hours off.
    const unixMs = Number.isNaN(told) ? Math.round(dates.unixMs(nowMs)) : told;
    dates.told(unixMs, nowMs);
    const errorM = numberIn(report, 'eph');
    // In two dimensions it says no height: the last one stands, and before the first there is no place to tell of.
    own.altM = numberIn(report, 'altMSL') ?? numberIn(report, 'alt') ?? own.altM;
    const bootMs = own.altM === null ? null : sourceMs(unixMs);
    if (own.altM === null || bootMs === null) return;
    samples.tell({
      ...{ bootMs, unixMs, latDeg, lonDeg },
      altM: own.altM,
      velocity: velocityOf(report),
      headingDeg: null,
      accuracyM: errorM === null ? null : errorM / SIGMAS,
    });
  };
  const take = (line: string, reply: Reply) => {
    const report = parsed(line);
    if (report === null) {
      seen.refused += 1;
      return;
    }
    if (report.class === 'VERSION') {
      const watch = { enable: true, json: true, ...(input.device === null ? {} : { device: input.device }) };
      reply(new TextEncoder().encode(`?WATCH=${JSON.stringify(watch)};\n`));
      return;
    }
    if (report.class !== 'TPV' && report.class !== 'SKY') return;
    seen.messages += 1;
    seen.lastBootMs = clock.bootMs();
    if (report.class === 'TPV') position(report);
    else own.used = numberIn(report, 'uSat');
  };
  const fix = (): Fix | null => {
    const last = own.fix;
    if (last === null || clock.bootMs() - last.atMs > FRESH_MS) return null;
    return { kind: last.kind, satellites: own.used };
  };
  const state: VehicleState = input.cannotMove
    ? { safety: 'safe', reason: 'it cannot move (vehicle.cannot_move)' }
    : { safety: 'unknown', reason: 'gpsd cannot tell whether it is armed or has landed' };

  return {
    name: `gpsd ${wire.name}`,
    feed: {
      onSample: samples.add,
      onFlight: () => () => {},
      correctionM: () => null,
      fix,
      battery: () => null,
      seen: () => ({ messages: seen.messages, bytes: seen.bytes, lastBootMs: seen.lastBootMs }),
    },
    start() {
      let decoder = new TextDecoder();
      let text = '';
      return keepOpen(wire, input, {
        opened() {
          own.wire = 'open';
          decoder = new TextDecoder();
          text = '';
        },
        bytes(bytes, reply) {
          seen.bytes += bytes.length;
          text += decoder.decode(bytes, { stream: true });
          const lines = text.split('\n');
          text = lines.pop() ?? '';
          if (text.length > LINE_MAX) {
            seen.refused += 1;
            text = '';
          }
          for (const line of lines) if (line.trim() !== '') take(line, reply);
        },
        ended(why) {
          own.wire = why;
          own.fix = null;
        },
      });
    },
    state: () => state,
    nextMs: () => null,
    view: () => ({ wire: own.wire, refused: seen.refused, armed: null, mission_item: null }),
  };
}

function velocityOf(report: Report): PositionSample['velocity'] {
  const [speed, track] = [numberIn(report, 'speed'), numberIn(report, 'track')];
  if (speed === null || track === null) return null;
  const angle = (track * Math.PI) / 180;
  const downMps = -(numberIn(report, 'climb') ?? 0);
  return { northMps: speed * Math.cos(angle), eastMps: speed * Math.sin(angle), downMps };
}

function numberIn(report: Report, key: string): number | null {
  const value = report[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function isReport(value: unknown): value is Report {
  return typeof value === 'object' && value !== null && 'class' in value;
}

function parsed(line: string): Report | null {
  try {
    const value: unknown = JSON.parse(line);
    return isReport(value) ? value : null;
  } catch {
    return null;
  }
}
