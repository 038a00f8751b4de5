import type { JournalMemory, JournalRecord } from '../ports/journal.ts';
import { parseGaps, parseTrackPoint, type TrackPoint } from '../values/track.ts';

/** A batch that is not finished, as far as it survives a kill. */
export interface OpenTrack {
  readonly flight: string;
  readonly seq: number;
  /** Unix ms minus the vehicle's own clock; the same for a whole flight. */
  readonly offsetMs: number;
  /** Points that are kept for good; the first is the last of the batch before, if there was one. */
  readonly keys: readonly TrackPoint[];
  /** The last point; up to it all is within the bound. */
  readonly last: TrackPoint | null;
  readonly raw: number;
  readonly correctionM: number | null;
  readonly gaps: readonly (readonly [number, number])[];
}

/** What the track remembers over a kill. */
export interface TrackMemory extends JournalMemory {
  open(): OpenTrack | null;
}

/** The record of a batch that begins, or (null) that none is open. */
export function trackRecord(open: OpenTrack | null): JournalRecord {
  return { t: 'track', open };
}

/** The record of what has come to an open batch. */
export function trackGoesRecord(
  more: Pick<OpenTrack, 'keys' | 'last' | 'raw' | 'correctionM' | 'gaps'>,
): JournalRecord {
  return { t: 'track-goes', ...more };
}

function pointsOf(value: unknown): readonly TrackPoint[] {
  if (!Array.isArray(value)) return [];
  const points: TrackPoint[] = [];
  for (const one of value) {
    const point = parseTrackPoint(one);
    if (point !== null) points.push(point);
  }
  return points;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function parseOpen(value: unknown): OpenTrack | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!('flight' in value && 'seq' in value && 'offsetMs' in value && 'keys' in value && 'last' in value)) return null;
  const { flight, seq, offsetMs, keys, last } = value;
  if (typeof flight !== 'string' || typeof seq !== 'number' || typeof offsetMs !== 'number') return null;
  return {
    ...{ flight, seq, offsetMs, keys: pointsOf(keys), last: parseTrackPoint(last) },
    raw: ('raw' in value ? numberOf(value.raw) : null) ?? 0,
    correctionM: 'correctionM' in value ? numberOf(value.correctionM) : null,
    gaps: 'gaps' in value ? parseGaps(value.gaps) : [],
  };
}

/** Makes an empty memory. */
export function createTrackMemory(): TrackMemory {
  let open: OpenTrack | null = null;
  return {
    types: ['track', 'track-goes'],
    fold(record) {
      if (record.t === 'track') open = parseOpen(record.open);
      else if (open !== null) {
        open = {
          ...open,
          keys: [...open.keys, ...pointsOf(record.keys)],
          last: parseTrackPoint(record.last),
          raw: numberOf(record.raw) ?? open.raw,
          correctionM: numberOf(record.correctionM),
          gaps: [...open.gaps, ...parseGaps(record.gaps)],
        };
      }
    },
    snapshot: () => (open === null ? [] : [trackRecord(open)]),
    open: () => open,
  };
}
