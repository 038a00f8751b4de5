import fc from 'fast-check';
import t from 'tap';
import type { JournalRecord } from '../../agent/ports/journal.ts';
import { generationRecord, storedRecord } from '../../agent/update/generations.ts';
import type { Ledger } from '../../agent/update/ledger.ts';
import * as made from '../../agent/update/ledger.ts';
import { driftRecord } from '../../agent/update/past.ts';
import { OUTCOMES, type Running } from '../../agent/values/report.ts';
import { type Address, LAYERS } from '../../agent/values/topics.ts';
import { heldUpdate, ledgerOf } from '../fixtures/update.ts';

const CONFIGS = ['aim', 'pair'];
const ADDRESSES: readonly Address[] = ['dev/drone-7', 'all'];
const running: Running = { version: 1, layer: 'base', address: 'all', digest: 'd', since: null };
const attempt = {
  ...running,
  id: 'u',
  layer: 'base',
  address: 'all',
  result: 'applied',
  code: null,
  reason: null,
  at: '',
} as const;

/** All that a ledger can be asked. */
function state(ledger: Ledger) {
  return {
    configs: CONFIGS.map((config) => ({
      places: ledger.places(config),
      marks: ADDRESSES.flatMap((address) => LAYERS.map((layer) => ledger.mark(config, address, layer))),
      running: ledger.running(config),
      intent: ledger.intent(config),
      underWay: ledger.underWay(config),
      tokens: ADDRESSES.map((address) =>
        [1, 2, 3].map((version) => ledger.tokenFound(config, { config, address, layer: 'base', version })),
      ),
      drift: ledger.drift(config),
      generations: ledger.generations(config),
      original: ledger.original(config),
      tried: ledger.tried(config),
    })),
    generations: ledger.allGenerations(),
    answered: ['h0', 'h1', 'h2'].map((hash) => ledger.answered(hash)),
  };
}

const which = fc.record({
  config: fc.constantFrom(...CONFIGS),
  address: fc.constantFrom(...ADDRESSES),
  layer: fc.constantFrom('base', 'shadow'),
});
/** One thing that happens; the intake lets only a version through that is above the mark, or a renewal of the newest. */
const happening = fc.oneof(
  fc.record({
    ...{ what: fc.constant('held'), where: which, step: fc.constantFrom(0, 1, 1, 3) },
    ...{ tombstone: fc.boolean(), kid: fc.constantFrom('k', 'other') },
  }),
  fc.record({ what: fc.constant('ended'), where: which, outcome: fc.constantFrom(...OUTCOMES) }),
  fc.record({ what: fc.constant('behind'), where: which }),
  fc.record({ what: fc.constant('covered'), where: which, covered: fc.boolean() }),
  fc.record({ what: fc.constant('intent'), where: which }),
  fc.record({ what: fc.constantFrom('intent-over', 'intent-back', 'ran', 'tried', 'original', 'drift'), where: which }),
  fc.record({ what: fc.constantFrom('came-to-disk', 'stored', 'edited', 'undone'), where: which }),
  fc.record({ what: fc.constant('revoked'), kid: fc.constantFrom('k', 'other') }),
  fc.record({ what: fc.constant('answered'), hash: fc.constantFrom('h0', 'h1', 'h2') }),
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

/** The records of a happening, as the rooms would make them now. */
function recordsOf(ledger: Ledger, event: Happening): readonly JournalRecord[] {
  if ('hash' in event) return [made.answeredRecord(event.hash)];
  if (!('where' in event)) return [made.revokedRecord([event.kid])];
  const { config, address, layer } = event.where;
  const place = ledger.place(config, address, layer);
  const open = place !== null && place.latest.ended === null ? place.latest : null;
  if ('step' in event) {
    const version = ledger.mark(config, address, layer) + event.step;
    if (place !== null && event.step === 0)
      return [made.heldRecord({ ...place.latest, hash: `${place.latest.hash}+` })];
    const held = heldUpdate({ config, address, layer, version: Math.max(1, version), kid: event.kid });
    const tombstone = { ...held, digest: null };
    const over = open === null ? [] : [made.endedRecord(open, 'superseded', null)];
    if (!event.tombstone) return [...over, made.heldRecord(held)];
    return [...over, made.heldRecord(tombstone), made.endedRecord(tombstone, 'withdrawn', null)];
  }
  if ('outcome' in event) return open === null ? [] : [made.endedRecord(open, event.outcome, 7)];
  if ('covered' in event) return open === null ? [] : [made.coveredRecord(open, event.covered)];
  const files = [{ name: 'aim.conf', digest: 'd' }];
  const content = { kind: 'stored', files } as const;
  const found = { config, digest: 'd', document: null, outcome: null, at: '', content };
  switch (event.what) {
    case 'behind':
      return place === null || place.mark < 2
        ? []
        : [made.appliedBehindRecord(heldUpdate({ config, address, layer, version: place.mark - 1 }), 7)];
    case 'intent':
      return open === null ? [] : [made.intentRecord({ config, of: made.refOf(open), files: [], tokenBefore: 3 })];
    case 'intent-back':
      return [made.intentOverRecord(config, true)];
    case 'ran':
      return [made.ranRecord(config, running)];
    case 'tried':
      return [made.triedRecord(config, { attempt, key: 'k' })];
    case 'original':
      return ledger.original(config) === null ? [generationRecord({ ...found, why: 'original' })] : [];
    case 'drift':
      return [generationRecord({ ...found, why: 'drift' })];
    case 'came-to-disk': {
      if (open === null) return [];
      const { id, version, digest, kid } = open;
      const document = { id, version, layer, address, kid };
      const held = { ...found, digest: digest ?? '', document, content: { kind: 'held' } } as const;
      return [generationRecord({ ...held, why: 'update', outcome: 'applied' })];
    }
    case 'edited':
      return [driftRecord(config, 'by hand')];
    case 'undone':
      return [driftRecord(config, null)];
    case 'stored': {
      const last = ledger.generations(config).at(-1);
      return last === undefined ? [] : [storedRecord(last, files)];
    }
    default:
      return [made.intentOverRecord(config)];
  }
}

function play(events: readonly Happening[]): { readonly ledger: Ledger; readonly records: readonly JournalRecord[] } {
  const ledger = made.createLedger();
  const records: JournalRecord[] = [];
  for (const event of events) {
    for (const record of recordsOf(ledger, event)) {
      records.push(record);
      ledger.fold(record);
    }
  }
  return { ledger, records };
}

t.test('replayed, or written anew and replayed, it knows the same', async (t) => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (events) => {
      const { ledger, records } = play(events);
      const throughJson = (some: readonly JournalRecord[]): JournalRecord[] => JSON.parse(JSON.stringify(some));
      const replayed = ledgerOf(throughJson(records));
      const anew = ledgerOf(throughJson(ledger.snapshot()));
      const twice = ledgerOf(anew.snapshot());
      const want = JSON.stringify(state(ledger));
      return [replayed, anew, twice].every((other) => JSON.stringify(state(other)) === want);
    }),
    { numRuns: 500 },
  );
  t.same(made.createLedger().snapshot(), []);
});

t.test('marks never fall but by a revocation, and there is one outcome a document', async () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (events) => {
      const ledger = made.createLedger();
      for (const event of events) {
        const marks = CONFIGS.flatMap((config) => ledger.places(config));
        for (const record of recordsOf(ledger, event)) ledger.fold(record);
        if (!('where' in event) && !('hash' in event)) continue;
        for (const { config, address, layer, mark } of marks) {
          if ((ledger.place(config, address, layer)?.mark ?? 0) < mark) return false;
        }
      }
      return true;
    }),
  );
});

t.test('generations are found by their content; the first is what was there before', async (t) => {
  const content = { kind: 'stored', files: [] } as const;
  const found = { config: 'aim', document: null, outcome: null, at: '', content };
  const ledger = ledgerOf([
    generationRecord({ ...found, why: 'original', digest: 'o' }),
    generationRecord({ ...found, why: 'drift', digest: 'd' }),
    generationRecord({ ...found, why: 'drift', digest: 'o' }),
    generationRecord({ ...found, config: 'pair', why: 'original', digest: 'p' }),
  ]);
  t.match(ledger.original('aim'), { n: 1, digest: 'o' });
  t.match(ledger.generationWith('aim', 'o'), { n: 3 }, 'the newest');
  t.equal(ledger.generationWith('aim', 'p'), null);
  t.equal(ledger.original('other'), null);
  t.equal(ledger.allGenerations().length, 4);
});

t.test('an edit by hand is over when it is undone, and when something is put in place', async (t) => {
  const ledger = ledgerOf([driftRecord('aim', 'x'), driftRecord('aim', 'y')]);
  t.same(ledger.drift('aim'), { digest: 'y' });
  t.equal(ledger.drift('pair'), null);
  ledger.fold(driftRecord('aim', null));
  t.equal(ledger.drift('aim'), null);
  ledger.fold(driftRecord('aim', 'z'));
  ledger.fold(made.ranRecord('aim', running));
  t.equal(ledger.drift('aim'), null);
});

t.test('the signed form of a document, while it is held or being committed', async (t) => {
  const [one, two] = [heldUpdate({ version: 1 }), heldUpdate({ version: 2 })];
  const ledger = ledgerOf([made.heldRecord(one)]);
  t.equal(ledger.signedForm(made.refOf(one)), one.jws);
  ledger.fold(made.intentRecord({ config: 'aim', of: made.refOf(one), files: [], tokenBefore: 0 }));
  ledger.fold(made.heldRecord(two));
  t.equal(ledger.signedForm(made.refOf(one)), one.jws, 'a newer one has its place, but it is under way');
  ledger.fold(made.intentOverRecord('aim'));
  t.equal(ledger.signedForm(made.refOf(one)), null);
  t.equal(ledger.signedForm(made.refOf(two)), two.jws);
});

t.test('so many answers', async (t) => {
  const ledger = ledgerOf([]);
  for (let n = 0; n < 600; n += 1) {
    ledger.fold(made.answeredRecord(`h${n}`));
    ledger.fold(made.answeredRecord('often'));
  }
  t.ok(ledger.answered('often') && ledger.answered('h599'));
  t.notOk(ledger.answered('h0'));
  t.ok(ledger.snapshot().length < 600);
});

t.test('records of other rooms, and of documents nobody knows, change nothing', async (t) => {
  const ledger = ledgerOf([
    { t: 'clock-tick' },
    made.endedRecord(heldUpdate(), 'applied', 1),
    made.coveredRecord(heldUpdate(), true),
    made.appliedBehindRecord(heldUpdate(), 1),
  ]);
  t.same(ledger.snapshot(), []);
});
