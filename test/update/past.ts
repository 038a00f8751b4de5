import t from 'tap';
import { generationRecord, storedRecord } from '../../agent/update/generations.ts';
import { createPast, driftRecord, PAST_TYPES } from '../../agent/update/past.ts';

const document = { id: 'u-1', version: 1, layer: 'base', address: 'all', kid: 'k' } as const;
const found = { config: 'aim', document: null, outcome: null, at: '' } as const;
const stored = { kind: 'stored', files: [] } as const;

t.test('written anew it knows the same', async (t) => {
  const held = (of: { readonly version: number }) => (of.version === 1 ? 'signed' : null);
  const memory = createPast(held, () => 2);
  const original = generationRecord({ ...found, why: 'original', digest: 'o', content: stored });
  const applied = { ...found, why: 'update', outcome: 'applied', document, digest: 'd' } as const;
  for (const record of [
    original,
    generationRecord({ ...applied, content: { kind: 'held' } }),
    generationRecord({ ...applied, document: { ...document, version: 2 }, content: { kind: 'held' } }),
    driftRecord('aim', 'x'),
    driftRecord('nav', 'y'),
    { t: 'clock-tick' },
  ])
    memory.fold(record);
  t.match(memory.past.generations('aim'), [{ n: 1 }, { n: 2, content: { kind: 'signed', jws: 'signed' } }]);
  memory.ran('nav');
  const [, second] = memory.past.generations('aim');
  if (second !== undefined) memory.fold(storedRecord(second, [{ name: 'a', digest: 'd' }]));

  const anew = createPast(() => null, undefined);
  for (const record of memory.snapshot()) anew.fold(JSON.parse(JSON.stringify(record)));
  for (const { past } of [memory, anew]) {
    t.match(past.generations('aim'), [
      { n: 1, why: 'original' },
      { n: 2, content: { kind: 'stored' } },
    ]);
    t.same(past.drift('aim'), { digest: 'x' });
    t.equal(past.drift('nav'), null);
    t.equal(past.original('aim')?.digest, 'o');
    t.equal(past.generationWith('aim', 'd')?.n, 2);
    t.equal(past.allGenerations().length, 2);
  }
  t.ok(memory.snapshot().every(({ t: type }) => PAST_TYPES.some((one) => one === type)));
});
