import { parseTrackFeature, type TrackPoint } from '../values/track.ts';
import { thin } from './track-window.ts';

/** A track that is made coarser may be this much further off than before. */
const COARSER = 4;

/** Points cut into runs where nothing is known between two. */
function runsOf(
  points: readonly TrackPoint[],
  gaps: readonly (readonly [number, number])[],
): readonly (readonly TrackPoint[])[] {
  const cuts = points.flatMap(([, , , ms], n) => (gaps.some(([from]) => from === ms) ? [n + 1] : []));
  return [0, ...cuts].map((from, n) => points.slice(from, cuts[n]));
}

/**
 * The text of a track that says less: no input point is further from it than four times the old bound, which is what it then says.
 * Null if it cannot get shorter. Pure.
 */
export function coarserTrack(text: string): string | null {
  const feature = parseTrackFeature(JSON.parse(text));
  if (feature === null) return null;
  const { geometry, properties } = feature;
  const { error_m, gaps_ms } = properties;
  // Two lines are furthest apart at a corner of one of them, and every corner of the new one is one of the old.
  // The ends of a gap stay: by them it is found, and no line is drawn through what nobody knows.
  const runs = runsOf(geometry.coordinates, gaps_ms);
  const coordinates = runs.flatMap((run) => thin(run, (COARSER - 1) * error_m));
  if (coordinates.length >= geometry.coordinates.length) return null;
  return JSON.stringify({
    ...feature,
    geometry: { ...geometry, coordinates },
    properties: { ...properties, error_m: COARSER * error_m },
  });
}
