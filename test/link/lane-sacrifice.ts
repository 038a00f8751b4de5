import fc from 'fast-check';
import t from 'tap';
import type { Kept } from '../../agent/link/lane-memory.ts';
import { sacrificeLanes } from '../../agent/link/lane-sacrifice.ts';
import type { Lane } from '../../agent/values/lanes.ts';

const BOUNDS = { maxBytes: 1000, maxAgeMs: 1_000_000 };
const message = (n: number, lane: Lane, length: number, bootMs = 0): Kept => ({
  n,
  lane,
  text: 'x'.repeat(length),
  bootMs,
});
/** Halves it, down to ten characters. */
const half = (text: string) => (text.length <= 10 ? null : text.slice(0, Math.ceil(text.length / 2)));
const few = [message(1, 'hb', 300), message(2, 'position', 300), message(3, 'track', 300)];

t.test('while it fits nothing goes', async (t) => {
  t.same(sacrificeLanes(few, 0, 0, BOUNDS, half), {
    drop: [],
    lost: { track: 0, position: 0, hb: 0 },
    coarser: new Map(),
  });
});

t.test('detail of the oldest track first', async (t) => {
  const kept = [...few, message(4, 'track', 110)];
  const { drop, coarser } = sacrificeLanes(kept, 0, 0, BOUNDS, half);
  t.same(drop, []);
  t.same(
    [...coarser].map(([n, text]) => [n, text.length]),
    [[3, 150]],
  );
});

t.test('then tracks, positions, heartbeats, each the oldest first', async (t) => {
  const kept = [...few, message(4, 'hb', 900)];
  const all = sacrificeLanes(kept, 0, 0, BOUNDS, half);
  t.same(all.drop, [1, 2, 3]);
  t.same(all.lost, { track: 1, position: 1, hb: 1 });
  t.equal(all.coarser.size, 0, 'what goes needs no coarser text');
  t.same(sacrificeLanes([...few, message(4, 'hb', 400)], 0, 0, BOUNDS, () => null).drop, [2, 3]);
});

t.test('what is too old goes, whatever there is room for', async (t) => {
  const { drop, lost } = sacrificeLanes([message(1, 'hb', 5, 0), message(2, 'hb', 5, 1)], 0, 1_000_001, BOUNDS, half);
  t.same(drop, [1]);
  t.equal(lost.hb, 1);
});

t.test('for whatever waits: it fits then, nothing of a later lane goes before an earlier one is empty', async () => {
  const lanes = fc.constantFrom<Lane>('track', 'position', 'hb');
  const list = fc.array(fc.tuple(lanes, fc.integer({ min: 1, max: 400 })), { maxLength: 40 });
  fc.assert(
    fc.property(list, (given) => {
      const kept = given.map(([lane, length], n) => message(n + 1, lane, length));
      const { drop, coarser, lost } = sacrificeLanes(kept, 0, 0, BOUNDS, half);
      const left = kept.filter(({ n }) => !drop.includes(n));
      const bytes = left.reduce((sum, { n, text }) => sum + (coarser.get(n) ?? text).length, 0);
      const has = (lane: Lane) => left.some((one) => one.lane === lane);
      return (
        bytes <= BOUNDS.maxBytes &&
        (lost.position === 0 || !has('track')) &&
        (lost.hb === 0 || (!has('track') && !has('position'))) &&
        lost.track + lost.position + lost.hb === drop.length
      );
    }),
  );
});
