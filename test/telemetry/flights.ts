import t from 'tap';
import { flightsOf, geojsonOf, gpxOf } from '../../agent/telemetry/flights.ts';
import type { TrackFeature, TrackPoint } from '../../agent/values/track.ts';

const point = (s: number): TrackPoint => [8 + s / 1000, 47, 100 + s, s * 1000];
const batch = (flight: string, seq: number, seconds: readonly number[], more: object = {}): TrackFeature => ({
  type: 'Feature',
  geometry: { type: 'LineString', coordinates: seconds.map(point) },
  properties: {
    ...{ flight, seq, error_m: 1, raw_points: 10, largest_correction_m: null, boot_ms: 0, gaps_ms: [], end: 'time' },
    ...more,
  },
});

t.test('batches become flights: each point once, the oldest first, what came twice once', async (t) => {
  const flights = flightsOf(
    [
      batch('b', 1, [100, 110]),
      batch('a', 2, [10, 15, 20], { largest_correction_m: 0.7, error_m: 4 }),
      batch('a', 1, [0, 5, 10]),
      batch('a', 1, [0, 5, 10]),
    ],
    null,
    1,
  );
  t.same(
    flights.map(({ flight, lines, ...rest }) => [flight, lines.map((line) => line.map((one) => one[3] / 1000)), rest]),
    [
      [
        'a',
        [[0, 5, 10, 15, 20]],
        {
          ...{ from_ms: 0, to_ms: 20_000, points: 5, raw_points: 20, error_m: 4 },
          ...{ largest_correction_m: 0.7, missing: 0, open: false },
        },
      ],
      [
        'b',
        [[100, 110]],
        {
          ...{ from_ms: 100_000, to_ms: 110_000, points: 2, raw_points: 10, error_m: 1 },
          ...{ largest_correction_m: null, missing: 0, open: false },
        },
      ],
    ],
  );
});

t.test('where nothing is known the line is cut: a gap, a batch that is gone', async (t) => {
  const gap = [[5_000, 30_000]];
  const [flight] = flightsOf([batch('a', 1, [0, 5, 30, 40], { gaps_ms: gap }), batch('a', 3, [80, 90])], null, 1);
  t.same(
    flight?.lines.map((line) => line.map((one) => one[3] / 1000)),
    [
      [0, 5],
      [30, 40],
      [80, 90],
    ],
  );
  t.equal(flight?.missing, 1);
  t.equal(flight?.raw_points, 21, 'the first point of the last one was told by the one that is gone');
  const [late] = flightsOf([batch('a', 3, [80, 90], { raw_points: 1 })], null, 1);
  t.match(late, { missing: 2, points: 2, raw_points: 2 });
});

t.test('the batch under way belongs to it', async (t) => {
  const open = {
    ...{ flight: 'a', seq: 2, offsetMs: 0, keys: [point(10), point(12)], last: point(14) },
    ...{ raw: 40, correctionM: 3, gaps: [] },
  };
  const [flight] = flightsOf([batch('a', 1, [0, 10])], open, 1);
  t.match(flight, { points: 4, raw_points: 50, largest_correction_m: 3, open: true, to_ms: 14_000 });
});

t.test('GPX and GeoJSON', async (t) => {
  const [flight] = flightsOf([batch('a&b', 1, [0, 5]), batch('a&b', 3, [400_000, 400_001])], null, 1);
  if (flight === undefined) throw new Error('no flight');
  const gpx = gpxOf(flight);
  t.match(gpx, '<name>a&#38;b</name>');
  t.match(gpx, '<trkpt lat="47" lon="8.005"><ele>105</ele><time>1970-01-01T00:00:05.000Z</time></trkpt>');
  t.match(gpx, 'lon="48"', 'between -180 and 180');
  t.equal(gpx.match(/<trkseg>/g)?.length, 2);
  t.match(geojsonOf(flight), { geometry: { type: 'MultiLineString' }, properties: { missing_batches: 1 } });
  const [whole] = flightsOf([batch('a', 1, [0, 5])], null, 1);
  if (whole === undefined) throw new Error('no flight');
  t.same(geojsonOf(whole), {
    type: 'Feature',
    geometry: { type: 'LineString', coordinates: [point(0), point(5)] },
    properties: { flight: 'a', error_m: 1, raw_points: 10, largest_correction_m: null, missing_batches: 0 },
  });
});
