/** A point of a track: longitude and latitude in degrees (WGS 84), metres above mean sea level, Unix ms. */
export type TrackPoint = readonly [lon: number, lat: number, altM: number, unixMs: number];

/** Why a batch ends where it does: its minute was over, landed, the agent left, the vehicle's clock started anew, or the agent was killed. */
export type TrackEnd = 'time' | 'landed' | 'stopped' | 'restarted' | 'interrupted';

/** What a batch says besides its line. */
export interface TrackProperties {
  readonly flight: string;
  /** Batches of a flight count from 1. */
  readonly seq: number;
  /** No input point is further from the line at its time, in three dimensions. */
  readonly error_m: number;
  /** Input points since the batch before. */
  readonly raw_points: number;
  /** Largest distance between where it was to be and where it was; null where unknown. */
  readonly largest_correction_m: number | null;
  /** The vehicle's own clock at the first point; from there on both clocks run alike. */
  readonly boot_ms: number;
  /** Stretches without input: the line is straight there because nothing is known. */
  readonly gaps_ms: readonly (readonly [from: number, to: number])[];
  readonly end: TrackEnd;
}

/** One batch as it goes out on `track`: a GeoJSON Feature. */
export interface TrackFeature {
  readonly type: 'Feature';
  readonly geometry: { readonly type: 'LineString'; readonly coordinates: readonly TrackPoint[] };
  readonly properties: TrackProperties;
}

/** Reads a point; null if it is none. */
export function parseTrackPoint(value: unknown): TrackPoint | null {
  if (!Array.isArray(value)) return null;
  const [lon, lat, alt, ms]: readonly unknown[] = value;
  if (typeof lon !== 'number' || typeof lat !== 'number' || typeof alt !== 'number' || typeof ms !== 'number')
    return null;
  return [lon, lat, alt, ms];
}

const ENDS: readonly TrackEnd[] = ['time', 'landed', 'stopped', 'restarted', 'interrupted'];

function numberOr<T>(value: unknown, fallback: T): number | T {
  return typeof value === 'number' ? value : fallback;
}

/** Reads what was sent as a track; null if it is none. */
export function parseTrackFeature(value: unknown): TrackFeature | null {
  if (typeof value !== 'object' || value === null || !('geometry' in value && 'properties' in value)) return null;
  const { geometry, properties } = value;
  if (typeof geometry !== 'object' || geometry === null || !('coordinates' in geometry)) return null;
  if (typeof properties !== 'object' || properties === null || !('flight' in properties && 'seq' in properties))
    return null;
  const { flight, seq } = properties;
  if (typeof flight !== 'string' || typeof seq !== 'number' || !Array.isArray(geometry.coordinates)) return null;
  const coordinates: TrackPoint[] = [];
  for (const one of geometry.coordinates) {
    const point = parseTrackPoint(one);
    if (point === null) return null;
    coordinates.push(point);
  }
  const of = (key: string): unknown => Reflect.get(properties, key);
  return {
    type: 'Feature',
    geometry: { type: 'LineString', coordinates },
    properties: {
      ...{ flight, seq, error_m: numberOr(of('error_m'), 0), raw_points: numberOr(of('raw_points'), 0) },
      largest_correction_m: numberOr(of('largest_correction_m'), null),
      boot_ms: numberOr(of('boot_ms'), 0),
      gaps_ms: parseGaps(of('gaps_ms')),
      end: ENDS.find((end) => end === of('end')) ?? 'interrupted',
    },
  };
}

/** Reads stretches of time, leaving out what is none. */
export function parseGaps(value: unknown): readonly (readonly [number, number])[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((gap: unknown) => {
    if (!Array.isArray(gap)) return [];
    const [from, to]: readonly unknown[] = gap;
    return typeof from === 'number' && typeof to === 'number' ? [[from, to] as const] : [];
  });
}
