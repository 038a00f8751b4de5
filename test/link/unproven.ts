import t from 'tap';
import { openUnproven } from '../../agent/link/unproven.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

/** A list over a way that holds as many bytes as it is told; `kept`: what it has had kept, by its number. */
function bench() {
  const clock = manualClock();
  const way = { bytes: 0, looks: 0 };
  const kept: unknown[] = [];
  const list = openUnproven(
    clock,
    () => {
      way.looks += 1;
      return way.bytes;
    },
    (one) => {
      one.n = kept.push(one.body);
    },
  );
  return { clock, way, kept, list };
}

t.test('what got through within a second is not kept, what did not is; until it was answered', async (t) => {
  const { clock, way, kept, list } = bench();
  list.add('hb', { n: 1 }, 10);
  clock.advance(1_000);
  t.same(kept, []);
  way.bytes = 10;
  list.add('position', { n: 2 }, 10);
  clock.advance(999);
  t.same(kept, []);
  clock.advance(1);
  t.same(kept, [{ n: 2 }]);
  t.same([list.has(1), list.has(2), list.keptIn('position'), list.keptIn('hb')], [true, false, 1, 0]);
  t.same(list.answered(20), [1]);
  t.same([list.has(1), list.end()], [false, []]);
});

t.test('an answer proves what was sent before that to which it came', async (t) => {
  const { clock, list } = bench();
  list.add('hb', { n: 1 }, 10);
  clock.advance(100);
  list.add('hb', { n: 2 }, 10);
  clock.advance(50);
  t.same(list.answered(100), []);
  t.match(list.end(), [{ body: { n: 2 }, n: null }]);
});

t.test('at the end of the link: all of it, in its order, and no look any more', async (t) => {
  const { clock, way, kept, list } = bench();
  way.bytes = 100;
  for (const n of [1, 2]) list.add('hb', { n }, 10);
  clock.advance(1_000);
  list.add('position', { n: 3 }, 10);
  t.match(list.end(), [
    { body: { n: 1 }, n: 1 },
    { body: { n: 2 }, n: 2 },
    { lane: 'position', body: { n: 3 }, n: null },
  ]);
  const { looks } = way;
  clock.advance(10_000);
  t.equal(way.looks, looks);
  t.equal(kept.length, 2);
});

t.test('a way that is slow, but never by a second: nothing is kept although something is always on it', async (t) => {
  const { clock, way, kept, list } = bench();
  for (let n = 1; n <= 40; n += 1) {
    list.add('position', { n }, 10);
    // This one and the one before.
    way.bytes = 20;
    clock.advance(300);
  }
  t.same(kept, []);
});
