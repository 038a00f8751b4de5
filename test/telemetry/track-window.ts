import t from 'tap';
import { openTrackWindow, thin } from '../../agent/telemetry/track-window.ts';
import type { TrackPoint } from '../../agent/values/track.ts';

/** Eastward on the equator, one metre (of the widest earth) a second. */
const METRE = 180 / (Math.PI * 6_399_594);
const at = (metres: number, s: number, altM = 0): TrackPoint => [metres * METRE, 0, altM, s * 1000];

t.test('an even way needs its ends', async (t) => {
  const points = Array.from({ length: 100 }, (_, s) => at(s * 3, s));
  t.same(thin(points, 0.001), [points[0], points[99]]);
});

t.test('time counts: whoever stands on a straight way is seen', async (t) => {
  const points = [
    ...Array.from({ length: 10 }, (_, s) => at(s, s)),
    ...Array.from({ length: 10 }, (_, s) => at(9, 10 + s)),
  ];
  t.same(
    thin(points, 0.85),
    [points[0], points[9], points[19]],
    'no point left out is further than the bound in space AND time',
  );
  t.same(thin(points, 100), [points[0], points[19]]);
});

t.test('height counts', async (t) => {
  const points = [at(0, 0), at(1, 1, 2), at(2, 2)];
  t.equal(thin(points, 1.9).length, 3);
  t.equal(thin(points, 2).length, 2);
});

t.test('the last point kept is the one up to which the way was near enough', async (t) => {
  const window = openTrackWindow(1);
  const points = [0, 1, 2, 40].map((metres, s): TrackPoint => [metres * 9e-6, 0, 0, s * 1000]);
  t.same(
    points.map((point) => window.add(point)),
    [points[0], null, null, points[2]],
  );
  t.same(window.last(), points[3]);
  t.same(window.close(), points[3]);
  t.equal(window.close(), null, 'it is kept already');
  t.same(window.last(), points[3], 'and the next window begins there');
});

/** Every point that a window gives for these. */
function kept(points: readonly TrackPoint[], boundM: number): readonly TrackPoint[] {
  const window = openTrackWindow(boundM);
  return [...points.map((point) => window.add(point)), window.close()].filter((point) => point !== null);
}

t.test('points are said as exactly as the bound needs it', async (t) => {
  const point: TrackPoint = [8.54559384, 47.39774191, 488.126, 1000];
  t.same(kept([point], 1), [[8.545594, 47.397742, 488.1, 1000]]);
  t.same(kept([point], 0.1), [[8.5455938, 47.3977419, 488.13, 1000]]);
});

t.test(
  'an end beside the way lets a circle do with a quarter fewer points, each at the time of one that came',
  async (t) => {
    for (const boundM of [0.3, 1, 5]) {
      const circle = Array.from({ length: 1200 }, (_, n): TrackPoint => {
        const angle = (n / 10) * (12 / 80);
        return [80 * METRE * Math.cos(angle), 80 * METRE * Math.sin(angle), 100, n * 100];
      });
      const ends = kept(circle, boundM);
      const share = ends.length / thin(circle, boundM).length;
      t.ok(share < 0.8, `${boundM} m: ${share.toFixed(2)} of the points`);
      let worst = 0;
      for (const [lon, lat, , ms] of circle) {
        const next = ends.findIndex((end) => end[3] >= ms);
        const [a, b] = [ends[Math.max(0, next - 1)], ends[next]];
        if (a === undefined || b === undefined) throw new Error(`no way at ${ms}`);
        const part = a === b ? 0 : (ms - a[3]) / (b[3] - a[3]);
        worst = Math.max(
          worst,
          Math.hypot(a[0] + part * (b[0] - a[0]) - lon, a[1] + part * (b[1] - a[1]) - lat) / METRE,
        );
      }
      t.ok(worst <= boundM, `${worst} m`);
      const times = new Set(circle.map((point) => point[3]));
      t.ok(ends.every((end) => times.has(end[3])));
      t.equal(ends.at(-1)?.[3], 119_900);
    }
  },
);

t.test('no more than a minute at 10 Hz between two points that are kept', async (t) => {
  const points = Array.from({ length: 1501 }, (_, n) => at(0, n / 10));
  t.same(thin(points, 1), [points[0], points[600], points[1200], points[1500]]);
});
