import t from 'tap';
import {
  globalBetween,
  globalCorrectionM,
  localBetween,
  localCorrectionM,
} from '../../../agent/vehicle/mavlink/target.ts';

const HERE = { latDeg: 47.4, lonDeg: 8.5, altM: 500, aboveHomeM: 20 };
/** 0.001 degrees are 111.2 m of latitude. */
const NORTH = { ...HERE, latDeg: 47.401 };
const near = (metres: number | null, expected: number) =>
  metres !== null && Math.abs(metres - expected) < expected * 0.01;

t.test('|target - position| along what is steered to', async (t) => {
  const at = (mask: number, frame: number, place: typeof HERE) => globalCorrectionM({ mask, frame, place }, HERE);
  t.equal(at(0, 5, HERE), 0);
  t.ok(near(at(0, 5, NORTH), 111.2));
  t.ok(near(at(0, 5, { ...HERE, lonDeg: 8.501 }), 75.3), 'a degree of longitude is shorter there');
  t.ok(near(at(0, 5, { ...NORTH, altM: 600 }), Math.hypot(111.2, 100)), 'three dimensions');
  t.ok(near(at(4, 5, { ...NORTH, altM: 600 }), 111.2), 'z is left aside');
  t.equal(at(3, 5, { ...NORTH, altM: 530 }), 30, 'x and y are left aside');
  t.equal(at(7, 5, NORTH), null, 'nothing is steered to but speed');
  t.ok(near(at(0b1111_1000, 5, NORTH), 111.2), 'other bits do not matter');
});

t.test('heights count from what the frame says', async (t) => {
  const up = (frame: number, altM: number, now = HERE) =>
    globalCorrectionM({ mask: 3, frame, place: { ...HERE, altM } }, now);
  t.equal(up(0, 510), 10);
  t.equal(up(5, 510), 10);
  t.equal(up(6, 25), 5, 'above home');
  t.equal(up(3, 25), 5);
  t.equal(up(11, 25), null, 'above ground is not compared');
  t.equal(globalCorrectionM({ mask: 3, frame: 6, place: HERE }, { ...HERE, aboveHomeM: null }), null);
});

t.test('over the date line it is a short way', async (t) => {
  const west = { ...HERE, latDeg: 0, lonDeg: 179.9995 };
  t.ok(near(globalCorrectionM({ mask: 0, frame: 5, place: { ...west, lonDeg: -179.9995 } }, west), 111.2));
});

t.test("from the vehicle's own origin", async (t) => {
  const now = { x: 1, y: 2, z: -10 };
  t.equal(localCorrectionM({ mask: 0, frame: 1, place: { x: 4, y: 6, z: -10 } }, now), 5);
  t.equal(localCorrectionM({ mask: 2, frame: 1, place: { x: 4, y: 6, z: -10 } }, now), 3);
  t.equal(localCorrectionM({ mask: 0, frame: 8, place: now }, now), null, 'of the body: not compared');
  t.equal(localCorrectionM({ mask: 0, frame: 1, place: { ...now, x: Number.NaN } }, now), null);
});

t.test('the place between two', async (t) => {
  const to = { latDeg: 47.8, lonDeg: 9.5, altM: 540, aboveHomeM: null };
  t.same(globalBetween(HERE, { ...to, aboveHomeM: 60 }, 0), HERE);
  t.same(globalBetween(HERE, to, 0.25), { latDeg: 47.5, lonDeg: 8.75, altM: 510, aboveHomeM: null });
  const half = globalBetween({ ...HERE, lonDeg: 179.5 }, { ...to, lonDeg: -179, aboveHomeM: 30 }, 0.5);
  t.match(half, { lonDeg: 180.25, aboveHomeM: 25 }, 'over the date line');
  t.same(localBetween({ x: 0, y: 4, z: -2 }, { x: 1, y: 0, z: -4 }, 0.5), { x: 0.5, y: 2, z: -3 });
});
