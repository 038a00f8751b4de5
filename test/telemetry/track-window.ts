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
  const points = [at(0, 0), at(1, 1), at(2, 2), at(20, 3)];
  t.same(
    points.map((point) => window.add(point)),
    [points[0], null, null, points[2]],
  );
  t.same(window.last(), points[3]);
  t.same(window.close(), points[3]);
  t.equal(window.close(), null, 'it is kept already');
  t.same(window.last(), points[3], 'and the next window begins there');
});

t.test('no more than a minute at 10 Hz between two points that are kept', async (t) => {
  const points = Array.from({ length: 1501 }, (_, n) => at(0, n / 10));
  t.same(thin(points, 1), [points[0], points[600], points[1200], points[1500]]);
});
