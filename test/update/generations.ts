import fc from 'fast-check';
import t from 'tap';
import {
  createGenerations,
  generationRecord,
  type NewGeneration,
  storedRecord,
} from '../../agent/update/generations.ts';

const STORED = { kind: 'stored', files: [] } as const;
const base = { config: 'aim', document: null, outcome: null, at: '2026-01-01T00:00:00.000Z', content: STORED } as const;
const original: NewGeneration = { ...base, why: 'original', digest: 'before' };
const drift = (digest: string): NewGeneration => ({ ...base, why: 'drift', digest });
const update = (version: number, outcome: 'applied' | 'rolled-back' = 'applied'): NewGeneration => ({
  ...base,
  ...{ why: 'update', digest: `d${version}`, outcome, content: { kind: 'held' } },
  document: { id: `u${version}`, version, layer: 'base', address: 'all', kid: 'k' },
});

t.test('they count up within their config, and one comes anew instead of twice', async (t) => {
  const generations = createGenerations();
  for (const made of [original, update(1), drift('x'), update(2), update(1), drift('x')])
    generations.add(made, 'signed');
  generations.add({ ...original, config: 'nav' }, null);
  const numbered = generations.of('aim').map(({ n, digest }) => `${n} ${digest}`);
  t.same(numbered, ['1 before', '4 d2', '5 d1', '6 x']);
  t.match(generations.of('nav'), [{ n: 1 }]);
  t.equal(generations.all().length, 5);
  t.same(generations.of('other'), []);
});

t.test('bytes stand in the signed form until they are put by', async (t) => {
  const generations = createGenerations();
  generations.add(update(1), 'its signed form');
  generations.add(update(2), null);
  t.match(
    generations.of('aim'),
    [{ n: 1, content: { kind: 'signed', jws: 'its signed form' } }],
    'without one: nothing',
  );
  const files = [{ name: 'aim.conf', digest: 'sha256:1' }];
  generations.stored('aim', 1, files);
  generations.stored('aim', 7, files);
  t.match(generations.of('aim'), [{ n: 1, content: { kind: 'stored', files } }]);
});

t.test('bounded: so many applied, so many others, the first always, the newest always', async () => {
  const made = fc.oneof(
    fc.integer({ min: 1, max: 30 }).map((version) => update(version)),
    fc.integer({ min: 31, max: 60 }).map((version) => update(version, 'rolled-back')),
    fc.string({ maxLength: 2 }).map(drift),
  );
  fc.assert(
    fc.property(fc.array(made, { maxLength: 80 }), fc.integer({ min: 2, max: 6 }), (all, count) => {
      const generations = createGenerations(() => count);
      generations.add(original, null);
      let last = 1;
      for (const one of all) {
        generations.add(one, 'signed');
        const now = generations.of('aim');
        const newest = now.at(-1);
        if (newest === undefined || newest.digest !== one.digest || newest.n !== last + 1) return false;
        last = newest.n;
        const good = now.filter(({ outcome }) => outcome === 'applied').length;
        if (now[0]?.why !== 'original' || good > count || now.length - good - 1 > count) return false;
        const ns = now.map(({ n }) => n);
        if (ns.some((n, index) => index > 0 && n <= (ns[index - 1] ?? 0))) return false;
      }
      const applied = new Set(all.filter(({ outcome }) => outcome === 'applied').map(({ digest }) => digest)).size;
      return generations.of('aim').filter(({ outcome }) => outcome === 'applied').length === Math.min(applied, count);
    }),
    { numRuns: 300 },
  );
});

t.test('records of them', async (t) => {
  const generations = createGenerations();
  generations.add(original, null);
  const [first] = generations.of('aim');
  t.match(generationRecord(original), { t: 'generation', generation: original });
  t.match(first && storedRecord(first, []), { t: 'stored', config: 'aim', n: 1, files: [] });
});
