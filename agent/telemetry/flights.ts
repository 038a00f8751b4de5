import type { TrackFeature, TrackPoint } from '../values/track.ts';
import type { OpenTrack } from './track-memory.ts';

/** One flight as far as the device still has it. */
export interface Flight {
  readonly flight: string;
  readonly from_ms: number;
  readonly to_ms: number;
  /** Runs of points without a hole: a gap in the input or a batch that is gone is one. */
  readonly lines: readonly (readonly TrackPoint[])[];
  readonly points: number;
  readonly raw_points: number;
  /** No input point is further from the line at its time. */
  readonly error_m: number;
  readonly largest_correction_m: number | null;
  /** Batches that are no more on this device. */
  readonly missing: number;
  /** True while it goes on. */
  readonly open: boolean;
}

/** The part of a batch that a flight is made of. */
interface Piece {
  readonly seq: number;
  readonly points: readonly TrackPoint[];
  readonly gaps: readonly (readonly [number, number])[];
  readonly raw: number;
  readonly error: number;
  readonly correction: number | null;
  readonly open: boolean;
}

function pieceOf({ geometry, properties }: TrackFeature): Piece {
  const { seq, gaps_ms: gaps, raw_points: raw, error_m: error, largest_correction_m: correction } = properties;
  return { seq, points: geometry.coordinates, gaps, raw, error, correction, open: false };
}

/** Points of one flight, cut where nothing is known between two. */
function linesOf(pieces: readonly Piece[]): readonly (readonly TrackPoint[])[] {
  const lines: TrackPoint[][] = [];
  const gaps = new Set(pieces.flatMap((piece) => piece.gaps.map(([from]) => from)));
  let seq = Number.NaN;
  for (const piece of pieces) {
    let line = seq + 1 === piece.seq ? lines.at(-1) : undefined;
    for (const point of piece.points) {
      const before = line?.at(-1);
      // The first point of a batch is the last of the one before.
      if (before !== undefined && point[3] <= before[3]) continue;
      if (line === undefined || (before !== undefined && gaps.has(before[3]))) {
        line = [];
        lines.push(line);
      }
      line.push(point);
    }
    seq = piece.seq;
  }
  return lines;
}

/** Puts the flights together from the batches, the oldest first. `open`: the batch under way. Pure. */
export function flightsOf(
  features: readonly TrackFeature[],
  open: OpenTrack | null,
  errorM: number,
): readonly Flight[] {
  const byFlight = new Map<string, Piece[]>();
  const add = (flight: string, piece: Piece) => void byFlight.set(flight, [...(byFlight.get(flight) ?? []), piece]);
  for (const feature of features) add(feature.properties.flight, pieceOf(feature));
  if (open !== null) {
    const { flight, seq, keys, last, gaps, raw, correctionM: correction } = open;
    add(flight, {
      seq,
      points: last === null ? keys : [...keys, last],
      gaps,
      raw,
      error: errorM,
      correction,
      open: true,
    });
  }
  const flights = [...byFlight].map(([flight, unsorted]): Flight => {
    const pieces = [...new Map(unsorted.map((piece) => [piece.seq, piece])).values()].sort((a, b) => a.seq - b.seq);
    const lines = linesOf(pieces);
    const all = lines.flatMap((line) => line.map((point) => point[3]));
    // The point that a batch begins with was counted by the one before; where that is gone, here.
    const torn = pieces.filter(({ seq }, n) => seq > 1 && pieces[n - 1]?.seq !== seq - 1).length;
    const corrections = pieces.flatMap(({ correction }) => correction ?? []);
    return {
      flight,
      from_ms: all[0] ?? 0,
      to_ms: all.at(-1) ?? 0,
      lines,
      points: all.length,
      raw_points: pieces.reduce((sum, { raw }) => sum + raw, torn),
      error_m: pieces.reduce((most, { error }) => Math.max(most, error), 0),
      largest_correction_m: corrections.length === 0 ? null : Math.max(...corrections),
      missing: (pieces.at(-1)?.seq ?? 0) - pieces.length,
      open: pieces.some((piece) => piece.open),
    };
  });
  return flights.filter(({ points }) => points > 0).sort((a, b) => a.from_ms - b.from_ms);
}

/** Between -180 and 180, as maps want it; a line over the date line is cut by whoever draws it. */
function plainLon(lon: number): number {
  return lon - 360 * Math.round(lon / 360);
}

function escaped(text: string): string {
  return text.replace(/[<>&'"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** A flight as GPX 1.1: a segment for each run without a hole. Pure. */
export function gpxOf({ flight, lines }: Pick<Flight, 'flight' | 'lines'>): string {
  const segments = lines.map((line) => {
    const points = line.map(
      ([lon, lat, alt, ms]) =>
        `      <trkpt lat="${lat}" lon="${plainLon(lon)}"><ele>${alt}</ele><time>${new Date(ms).toISOString()}</time></trkpt>`,
    );
    return `    <trkseg>\n${points.join('\n')}\n    </trkseg>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="locksmith" xmlns="http://www.topografix.com/GPX/1/1">
  <trk>
    <name>${escaped(flight)}</name>
${segments.join('\n')}
  </trk>
</gpx>
`;
}

/** A flight as one GeoJSON feature: a line for each run without a hole, points as on the wire. Pure. */
export function geojsonOf({ flight, lines, error_m, raw_points, largest_correction_m, missing }: Flight): object {
  const [only = []] = lines;
  return {
    type: 'Feature',
    geometry:
      lines.length <= 1 ? { type: 'LineString', coordinates: only } : { type: 'MultiLineString', coordinates: lines },
    properties: { flight, error_m, raw_points, largest_correction_m, missing_batches: missing },
  };
}
