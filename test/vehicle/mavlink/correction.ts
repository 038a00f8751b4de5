import t from 'tap';
import { createCorrection } from '../../../agent/vehicle/mavlink/correction.ts';

/** Places and targets on a line; a target below zero cannot be compared. */
const open = () =>
  createCorrection<number, number>({
    freshMs: 5_000,
    between: (from, to, part) => from + part * (to - from),
    apartM: (target, place) => (target < 0 ? null : Math.abs(target - place)),
  });

t.test('a target is compared with the place at its own time, which is awaited', async (t) => {
  const correction = open();
  correction.place(1_000, 20);
  t.equal(correction.metres(0), null);
  correction.target(1_050, 23, 10);
  t.equal(correction.metres(10), null, 'not with the place before it');
  correction.place(1_100, 22);
  t.equal(correction.metres(100), 2, 'between the two');
  correction.place(1_200, 24);
  t.equal(correction.metres(5_010), 2, 'for as long as the target is fresh');
  t.equal(correction.metres(5_011), null);
  correction.target(1_200, 25, 5_500);
  t.equal(correction.metres(5_500), 1, 'with one of its very time, at once');
  correction.target(1_100, 25, 6_000);
  t.equal(correction.metres(6_000), 3, 'one that is late, at once');
  correction.target(1_150, -1, 6_100);
  t.equal(correction.metres(6_100), null, 'what cannot be compared is not what was before');
});

t.test('nothing is told where no place is near in time', async (t) => {
  const correction = open();
  correction.target(900, 1, 0);
  correction.place(1_000, 20);
  t.equal(correction.metres(0), null, 'before the first');
  correction.target(1_500, 20, 500);
  correction.place(3_001, 20);
  t.equal(correction.metres(2_000), null, 'in a gap');
  correction.target(3_151, 20, 2_200);
  correction.place(3_301, 21);
  t.equal(correction.metres(2_300), 0.5, 'one in vain does not stand in the way of the next');
});

t.test('faster targets: one with each place; one that nothing comes for is given up', async (t) => {
  const correction = open();
  correction.place(1_000, 0);
  correction.target(1_020, 10, 20);
  correction.target(1_040, 70, 40);
  correction.place(1_100, 0);
  t.equal(correction.metres(100), 10);
  correction.target(9_000, 50, 200);
  correction.target(1_220, 30, 2_199);
  correction.place(1_300, 0);
  t.equal(correction.metres(2_199), 10, 'it is awaited');
  correction.target(1_320, 20, 2_200);
  correction.place(1_400, 0);
  t.equal(correction.metres(2_300), 20);
});

t.test('a place that comes late is left out; a clock that began anew has no places', async (t) => {
  const correction = open();
  correction.place(10_000, 0);
  correction.place(9_900, 50);
  correction.place(10_100, 0);
  correction.target(9_950, 5, 0);
  t.equal(correction.metres(0), null);
  correction.target(10_050, 5, 0);
  t.equal(correction.metres(0), 5);
  correction.place(300, 0);
  correction.target(400, 9, 100);
  correction.place(500, 2);
  t.equal(correction.metres(100), 8);
});
