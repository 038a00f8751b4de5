import t from 'tap';
import type { Entry } from '../../agent/link/outbox-memory.ts';
import { sacrifice } from '../../agent/link/sacrifice.ts';

const NOTHING = { count: 0, bytes: 0 };

type Body = Readonly<Record<string, unknown>> & { readonly kind?: Entry['kind'] };

function entries(bodies: readonly Body[]): readonly Entry[] {
  return bodies.map(({ kind = 'evt', ...body }, i) => ({
    seq: i + 1,
    kind,
    config: kind === 'evt' ? '' : 'camera',
    text: JSON.stringify(body),
  }));
}
const bound = (maxCount: number, maxBytes = 1e9) => ({ maxCount, maxBytes });

t.test('states that a later one replaced go first, and nothing else if that is enough', async (t) => {
  const found = sacrifice(
    entries([{ kind: 'reported' }, { event: 'drift' }, { kind: 'lock' }, { kind: 'reported' }, { event: 'drift' }]),
    bound(4),
    NOTHING,
  );
  t.same(found, { drop: [1], counts: new Map(), lost: 0 });
});

t.test('then like events become one, with their number', async (t) => {
  const hot = { event: 'refused', config: 'camera', code: 'lock-mismatch', mismatch: 'hot', final: false };
  const found = sacrifice(
    entries([hot, { ...hot, count: 4 }, { event: 'drift', config: 'camera' }, hot, { ...hot, code: 'schema' }]),
    bound(3),
    NOTHING,
  );
  t.same(found, { drop: [1, 2], counts: new Map([[4, 6]]), lost: 0 });
});

t.test('the ends of two documents are never one', async (t) => {
  const ends = Array.from({ length: 12 }, (_, i) => ({
    ...{ event: 'applied', config: 'camera', final: true, update: `u${i}` },
  }));
  const found = sacrifice(entries(ends), bound(10), NOTHING);
  t.same(found, { drop: [1, 2, 3], counts: new Map(), lost: 3 });
});

t.test(
  'then the oldest go, outcomes last, states never; more than needed, so that not every message costs another',
  async (t) => {
    const bodies = [
      { event: 'applied', update: 'a', final: true },
      ...Array.from({ length: 20 }, (_, i) => ({ event: 'drift', config: `c${i}` })),
      { kind: 'reported' as const },
    ];
    const found = sacrifice(entries(bodies), bound(20), NOTHING);
    t.same(found.drop, [2, 3, 4, 5]);
    t.equal(found.lost, 4);
    const all = sacrifice(entries(bodies), bound(1), NOTHING);
    t.equal(all.drop.length, 21, 'in the end the outcomes too');
    t.notOk(all.drop.includes(22), 'the last state stays');
  },
);

t.test('the bound in bytes counts as well, and what is under way counts with it', async (t) => {
  const bodies = Array.from({ length: 10 }, (_, i) => ({ event: 'drift', config: `c${i}` }));
  const size = JSON.stringify(bodies[0]).length;
  t.equal(sacrifice(entries(bodies), bound(100, size * 10), NOTHING).drop.length, 0);
  t.equal(sacrifice(entries(bodies), bound(100, size * 10 - 1), NOTHING).drop.length, 2);
  t.equal(sacrifice(entries(bodies), bound(10), { count: 1, bytes: 0 }).drop.length, 2);
});
