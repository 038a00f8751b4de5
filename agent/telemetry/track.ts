import type { JournalRecord } from '../ports/journal.ts';
import type { PositionSample } from '../ports/vehicle.ts';
import type { TrackEnd, TrackFeature, TrackPoint } from '../values/track.ts';
import { LATE_MAX_MS } from '../values/vehicle.ts';
import { nearestTurn } from './geo.ts';
import { type OpenTrack, trackGoesRecord, trackRecord } from './track-memory.ts';
import { openTrackWindow, type TrackWindow } from './track-window.ts';

/** A batch covers this long; the first point that comes after it ends it. */
const BATCH_MS = 60_000;
/** A pause in the input that is longer is a gap: nobody knows the way in it. */
const GAP_MS = 5_000;
/** After a restart of the agent a flight goes on if its vehicle was heard within this time. */
const RESUME_MS = 300_000;
/** What numbers lose on the way through text and arithmetic, in metres. */
const NUMBERS_M = 1e-4;
/** The largest correction is said to a centimetre. */
const METRE_STEPS = 100;

/** A finished batch (null: it has no line, for fewer than two points came), and the records that go into the same write. */
export interface TrackBatch {
  readonly feature: TrackFeature | null;
  readonly records: readonly JournalRecord[];
}

/** The way of a vehicle, cut into flights and batches. Pure: the same input gives the same batches. */
export interface Track {
  /** A flight begins, or ends. */
  fly(flying: boolean): TrackBatch | null;
  /** False if what a killed agent has left cannot go on with this point: its vehicle has started anew since, or was away for too long. */
  goesOn(sample: PositionSample): boolean;
  /** One point of the way; `correctionM` as it is now. */
  sample(sample: PositionSample, correctionM: number | null): TrackBatch | null;
  /** What has come since the last time, for the case of a kill; null if nothing. */
  checkpoint(): JournalRecord | null;
  /** Finishes the batch that is open. */
  close(end: TrackEnd): TrackBatch | null;
  /** The flight under way; null on the ground. */
  flight(): string | null;
}

/** What a track is made of. */
export interface TrackInput {
  readonly errorM: number;
  /** A name for a flight that begins at this time. */
  name(unixMs: number): string;
  /** What a killed agent has left. */
  readonly left: OpenTrack | null;
}

/** A batch under way. */
interface Run {
  readonly flight: string;
  readonly offsetMs: number;
  readonly window: TrackWindow;
  seq: number;
  keys: TrackPoint[];
  /** How many of the keys and gaps are on record. */
  noted: { keys: number; gaps: number; last: TrackPoint | null };
  raw: number;
  correctionM: number | null;
  gaps: (readonly [number, number])[];
  /** Made by an agent that was killed: nothing has come since. */
  resumed: boolean;
}

function round(value: number, steps: number): number {
  return Math.round(value * steps) / steps;
}

function featureOf(run: Run, errorM: number, end: TrackEnd): TrackFeature {
  const { flight, seq, keys, raw, correctionM, gaps, offsetMs } = run;
  return {
    type: 'Feature',
    geometry: { type: 'LineString', coordinates: keys },
    properties: {
      flight,
      seq,
      error_m: errorM,
      raw_points: raw,
      largest_correction_m: correctionM === null ? null : round(correctionM, METRE_STEPS),
      boot_ms: (keys[0]?.[3] ?? 0) - offsetMs,
      gaps_ms: gaps,
      end,
    },
  };
}

function openOf({ flight, seq, offsetMs, keys, raw, correctionM, gaps, window }: Run): OpenTrack {
  return { flight, seq, offsetMs, keys, last: window.last(), raw, correctionM, gaps };
}

/** How much later than the last point this one is, by the clock of the batch. */
function passedMs({ window, offsetMs }: Run, bootMs: number): number {
  const last = window.last();
  return last === null ? 1 : bootMs + offsetMs - last[3];
}

/** False for a point from another life of the vehicle, or one that comes too long after what was left by another of ours. */
function continues(run: Run, bootMs: number): boolean {
  const passed = passedMs(run, bootMs);
  return passed >= -LATE_MAX_MS && !(run.resumed && passed > RESUME_MS);
}

/** True for a batch whose time is over. */
function isFull({ keys: [first], window }: Run): boolean {
  const last = window.last();
  return first !== undefined && last !== null && last[3] - first[3] >= BATCH_MS;
}

/** Makes a track. */
export function openTrack({ errorM, name, left }: TrackInput): Track {
  const boundM = errorM - NUMBERS_M;
  let flying = false;
  let run: Run | null = left === null ? null : resume(left);

  function begin(sample: PositionSample, bootMs: number): Run {
    const unixMs = Math.round(sample.unixMs);
    return {
      ...{ flight: name(unixMs), offsetMs: unixMs - bootMs, window: openTrackWindow(boundM), seq: 1, keys: [] },
      ...{ noted: { keys: 0, gaps: 0, last: null }, raw: 0, correctionM: null, gaps: [], resumed: false },
    };
  }
  function resume({ flight, seq, offsetMs, keys, last, raw, correctionM, gaps }: OpenTrack): Run {
    const window = openTrackWindow(boundM);
    const end = last ?? keys.at(-1);
    if (end !== undefined) window.add(end);
    // The last point is as good as kept: up to it the way was near enough.
    const all = end === undefined || keys.at(-1)?.[3] === end[3] ? [...keys] : [...keys, end];
    return {
      ...{ flight, offsetMs, window, seq, keys: all, noted: { keys: keys.length, gaps: gaps.length, last: null } },
      ...{ raw, correctionM, gaps: [...gaps], resumed: true },
    };
  }
  /** Finishes the batch of `run`; the next one begins at its end, unless the flight is over. */
  function finish(over: Run, end: TrackEnd): TrackBatch | null {
    const last = over.window.close();
    if (last !== null) over.keys.push(last);
    const isOver = end === 'landed' || end === 'restarted';
    if (isOver) run = null;
    if (over.keys.length < 2) return isOver ? { feature: null, records: [trackRecord(null)] } : null;
    const feature = featureOf(over, errorM, end);
    over.seq += 1;
    over.keys = over.keys.slice(-1);
    over.raw = 0;
    over.correctionM = null;
    over.gaps = [];
    over.noted = { keys: over.keys.length, gaps: 0, last: over.window.last() };
    return { feature, records: [trackRecord(isOver ? null : openOf(over))] };
  }
  function take(into: Run, sample: PositionSample, bootMs: number): void {
    const before = into.window.last();
    const lon = nearestTurn(sample.lonDeg, before?.[0] ?? sample.lonDeg);
    const point: TrackPoint = [lon, sample.latDeg, sample.altM, bootMs + into.offsetMs];
    into.raw += 1;
    if (before !== null && point[3] - before[3] > GAP_MS) {
      const end = into.window.close();
      if (end !== null) into.keys.push(end);
      into.window.add(point);
      const start = into.window.close();
      if (start !== null) into.keys.push(start);
      into.gaps.push([before[3], point[3]]);
      return;
    }
    const key = into.window.add(point);
    if (key !== null) into.keys.push(key);
  }

  return {
    fly(now) {
      flying = now;
      return now || run === null ? null : finish(run, 'landed');
    },
    goesOn: (sample) => run === null || !run.resumed || continues(run, Math.round(sample.bootMs)),
    sample(sample, correctionM) {
      if (!flying) return null;
      const bootMs = Math.round(sample.bootMs);
      let done: TrackBatch | null = null;
      if (run !== null) {
        if (!continues(run, bootMs)) done = finish(run, 'restarted');
        else if (passedMs(run, bootMs) <= 0) return null;
      }
      // Not before something follows: a flight that ends at the minute would have no line left to tell of its landing.
      if (run !== null && isFull(run)) done = finish(run, 'time');
      run ??= begin(sample, bootMs);
      run.resumed = false;
      take(run, sample, bootMs);
      if (correctionM !== null) run.correctionM = Math.max(run.correctionM ?? 0, correctionM);
      return done;
    },
    checkpoint() {
      if (run === null) return null;
      const last = run.window.last();
      const { noted, keys, gaps, raw, correctionM } = run;
      if (last === noted.last) return null;
      const isNew = noted.keys === 0;
      const more = { keys: keys.slice(noted.keys), last, raw, correctionM, gaps: gaps.slice(noted.gaps) };
      run.noted = { keys: keys.length, gaps: gaps.length, last };
      return isNew ? trackRecord(openOf(run)) : trackGoesRecord(more);
    },
    close: (end) => (run === null ? null : finish(run, end)),
    flight: () => (flying ? (run?.flight ?? null) : null),
  };
}
