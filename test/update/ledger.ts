import fc from 'fast-check';
import t from 'tap';
import type { JournalRecord } from '../../agent/ports/journal.ts';
import type { Ledger } from '../../agent/update/ledger.ts';
import * as made from '../../agent/update/ledger.ts';
import { OUTCOMES, type Running } from '../../agent/values/report.ts';
import type { Address } from '../../agent/values/topics.ts';
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
      running: ledger.running(config),
      intent: ledger.intent(config),
      underWay: ledger.underWay(config),
      tokens: ADDRESSES.map((address) =>
        [1, 2, 3].map((version) => ledger.tokenFound(config, { config, address, layer: 'base', version })),
      ),
      original: ledger.original(config),
      tried: ledger.tried(config),
    })),
    kept: ledger.kept(),
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
  fc.record({ what: fc.constant('held'), where: which, step: fc.constantFrom(0, 1, 1, 3), tombstone: fc.boolean() }),
  fc.record({ what: fc.constant('ended'), where: which, outcome: fc.constantFrom(...OUTCOMES) }),
  fc.record({ what: fc.constant('behind'), where: which }),
  fc.record({ what: fc.constant('covered'), where: which, covered: fc.boolean() }),
  fc.record({ what: fc.constant('intent'), where: which }),
  fc.record({ what: fc.constantFrom('intent-over', 'intent-back', 'ran', 'tried', 'original', 'drift'), where: which }),
  fc.record({ what: fc.constant('answered'), hash: fc.constantFrom('h0', 'h1', 'h2') }),
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

/** The records of a happening, as the rooms would make them now. */
function recordsOf(ledger: Ledger, event: Happening): readonly JournalRecord[] {
  if ('hash' in event) return [made.answeredRecord(event.hash)];
  const { config, address, layer } = event.where;
  const place = ledger.place(config, address, layer);
  const open = place !== null && place.latest.ended === null ? place.latest : null;
  if ('step' in event) {
    const version = (place?.mark ?? 0) + event.step;
    if (place !== null && event.step === 0)
      return [made.heldRecord({ ...place.latest, hash: `${place.latest.hash}+` })];
    const held = heldUpdate({ config, address, layer, version: Math.max(1, version) });
    const tombstone = { ...held, digest: null };
    const over = open === null ? [] : [made.endedRecord(open, 'superseded', null)];
    if (!event.tombstone) return [...over, made.heldRecord(held)];
    return [...over, made.heldRecord(tombstone), made.endedRecord(tombstone, 'withdrawn', null)];
  }
  if ('outcome' in event) return open === null ? [] : [made.endedRecord(open, event.outcome, 7)];
  if ('covered' in event) return open === null ? [] : [made.coveredRecord(open, event.covered)];
  const kept = { config, digest: 'd', files: [{ name: 'aim.conf', digest: 'd' }] };
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
      return ledger.original(config) === null ? [made.keptRecord({ ...kept, why: 'original' })] : [];
    case 'drift':
      return [made.keptRecord({ ...kept, why: 'drift' })];
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

t.test('marks never fall, and there is one outcome a document', async () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (events) => {
      const ledger = made.createLedger();
      for (const event of events) {
        const marks = CONFIGS.flatMap((config) => ledger.places(config));
        for (const record of recordsOf(ledger, event)) ledger.fold(record);
        for (const { config, address, layer, mark } of marks) {
          if ((ledger.place(config, address, layer)?.mark ?? 0) < mark) return false;
        }
      }
      return true;
    }),
  );
});

t.test('so many drifts a config, so many answers, and the first original', async (t) => {
  const kept = (config: string, digest: string, why: 'original' | 'drift') =>
    made.keptRecord({ config, why, digest, files: [] });
  const drifts = Array.from({ length: 20 }, (_, n) => kept('aim', `d${n}`, 'drift'));
  const ledger = ledgerOf([kept('aim', 'o', 'original'), kept('pair', 'p', 'drift'), ...drifts]);
  t.equal(ledger.original('aim')?.digest, 'o');
  t.same(
    ledger.kept().map(({ digest }) => digest),
    ['o', 'p', 'd12', 'd13', 'd14', 'd15', 'd16', 'd17', 'd18', 'd19'],
  );
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
