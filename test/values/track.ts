import t from 'tap';
import { parseGaps, parseTrackFeature, parseTrackPoint } from '../../agent/values/track.ts';

t.test('what is a point', async (t) => {
  t.same(parseTrackPoint([8.5, 47.4, 488, 1000]), [8.5, 47.4, 488, 1000]);
  for (const other of [null, {}, [], [1, 2, 3], [1, 2, 3, 'x'], 'x']) t.equal(parseTrackPoint(other), null);
});

t.test('what is a track', async (t) => {
  const good = {
    type: 'Feature',
    geometry: { type: 'LineString', coordinates: [[8, 47, 1, 1000]] },
    properties: {
      ...{ flight: 'f', seq: 1, error_m: 1, raw_points: 3, largest_correction_m: null, boot_ms: 5 },
      ...{ gaps_ms: [[1, 2]], end: 'landed' },
    },
  };
  t.same(parseTrackFeature(good), good);
  const { flight, ...unnamed } = good.properties;
  t.equal(flight, 'f');
  for (const other of [
    null,
    {},
    { geometry: null, properties: {} },
    { geometry: {}, properties: {} },
    { ...good, properties: unnamed },
    { ...good, geometry: { coordinates: [[8]] } },
    { ...good, geometry: { coordinates: 'x' } },
  ])
    t.equal(parseTrackFeature(other), null);
  t.same(parseGaps(['x', [1], [1, 2]]), [[1, 2]]);
  t.same(parseGaps(null), []);
});
