import t from 'tap';
import { apartM, DEGREE_M, nearestTurn } from '../../agent/telemetry/geo.ts';

t.test(
  'a distance is never taken for shorter than on a common model of the earth, and hardly for longer',
  async (t) => {
    // Lengths of a degree of latitude and of longitude. Source: WGS 84 (NIMA TR8350.2), at 0, 45 and 80 degrees.
    for (const [latDeg, northM, eastM] of [
      [0, 110_574, 111_320],
      [45, 111_132, 78_847],
      [80, 111_660, 19_394],
    ] as const) {
      const place = { latDeg, lonDeg: 8, altM: 0 };
      for (const [ours, theirs] of [
        [apartM(place, { ...place, latDeg: latDeg + 0.0001 }) * 1e4, northM],
        [apartM(place, { ...place, lonDeg: 8.0001 }) * 1e4, eastM],
      ] as const) {
        t.ok(ours >= theirs * 0.9999 && ours <= theirs * 1.012, `${latDeg}: ${ours} for ${theirs}`);
      }
    }
  },
);

t.test('height counts; over the date line it is not far', async (t) => {
  const place = { latDeg: 0, lonDeg: 179.9999, altM: 10 };
  t.equal(apartM(place, { ...place, altM: 13 }), 3);
  t.ok(apartM(place, { ...place, lonDeg: -179.9999 }) < 0.00021 * DEGREE_M);
  t.equal(Math.round(nearestTurn(-179.5, 179.9) * 10), 1805);
  t.equal(nearestTurn(8.5, 8.4), 8.5);
});
