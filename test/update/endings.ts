import t from 'tap';
import { createEndings } from '../../agent/update/endings.ts';
import type { Goal } from '../../agent/update/goal.ts';
import {
  createLedger,
  endedRecord,
  type HeldUpdate,
  heldRecord,
  intentRecord,
  ranRecord,
  refOf,
} from '../../agent/update/ledger.ts';
import { createSaid } from '../../agent/update/said.ts';
import { createTrials } from '../../agent/update/trials.ts';
import { refuse } from '../../agent/values/errors.ts';
import type { EventBody, Outcome } from '../../agent/values/report.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { fakeLocks, heldUpdate, SIGNED_S } from '../fixtures/update.ts';

const NOW = '2026-01-01T00:00:00.000Z';

function bench(...held: readonly HeldUpdate[]) {
  const ledger = createLedger();
  for (const one of held) ledger.fold(heldRecord(one));
  const events: EventBody[] = [];
  const states: object[] = [];
  const counted: Outcome[] = [];
  const records: string[] = [];
  const said = createSaid(ledger, fakeLocks(), async (given, some, more = []) => {
    for (const record of given) {
      records.push(record.t);
      ledger.fold(record);
    }
    events.push(...some);
    states.push(...more.map(({ body }) => body));
  });
  const time = { nowS: SIGNED_S, clock: 'ok' as const, poweredS: 70 };
  const endings = createEndings({
    ...{ ledger, said, trials: createTrials(ledger.find), clock: manualClock() },
    time: () => time,
    clockApplied: (iatS) => ({ t: 'clock-applied', iat_s: iatS }),
    count: (outcome) => void counted.push(outcome),
  });
  return { ledger, endings, events, states, counted, records, time };
}
const one = heldUpdate({ version: 1, id: 'one' });
const two = heldUpdate({ version: 2, id: 'two' });
const goal = (held: HeldUpdate | null): Goal => ({
  held,
  digest: held?.digest ?? 'sha256:before',
  contents: [],
  missing: [],
});

t.test('refused: outcome, event and state in one', async (t) => {
  const { endings, ledger, events, states, counted, records } = bench(one);
  await endings.refuse(one, refuse('schema', 'aim.conf: /rate must be integer'));
  t.match(events, [{ event: 'refused', update: 'one', code: 'schema', final: true }]);
  t.match(states, [{ last_attempt: { id: 'one', result: 'refused', code: 'schema', at: NOW }, pending: null }]);
  t.same(records, ['ended', 'tried']);
  t.same(counted, ['refused']);
  t.equal(ledger.place('aim', 'all', 'base')?.latest.ended, 'refused');
  await endings.refuse(one, refuse('schema', 'again'));
  await endings.expire(one, 'exp');
  t.equal(events.length, 1, 'no second outcome');
});

t.test('expired: says which time it was', async (t) => {
  const { endings, events, counted } = bench(one);
  await endings.expire(one, 'until');
  t.match(events, [{ event: 'expired', code: 'expired', final: true, reason: 'until has passed while it waited' }]);
  t.same(counted, ['expired']);
});

t.test('applied: what runs, since when, and the intent is over', async (t) => {
  const { endings, ledger, events, states, records } = bench(one);
  ledger.fold(intentRecord({ config: 'aim', of: refOf(one), files: [], tokenBefore: 5 }));
  await endings.applied('aim', goal(one), true, 'none');
  t.match(events, [{ event: 'applied', update: 'one', changed: true, digest: one.digest, final: true }]);
  t.match(states, [{ running: { version: 1, layer: 'base', address: 'all', digest: one.digest, since: NOW } }]);
  t.same(records.sort(), ['clock-applied', 'ended', 'generation', 'intent-over', 'ran', 'tried']);
  t.match(ledger.generations('aim'), [
    {
      ...{ n: 1, why: 'update', digest: one.digest, outcome: 'applied', at: NOW },
      document: { id: 'one', version: 1, layer: 'base', address: 'all' },
      content: { kind: 'signed', jws: one.jws },
    },
  ]);
  t.equal(ledger.intent('aim'), null);
  t.match(ledger.place('aim', 'all', 'base')?.latest, { ended: 'applied', appliedPoweredS: 70 });
});

t.test('applied behind a newer one that came in mid-commit', async (t) => {
  const { endings, ledger, events } = bench(one);
  ledger.fold(intentRecord({ config: 'aim', of: refOf(one), files: [], tokenBefore: 5 }));
  ledger.fold(heldRecord(two));
  await endings.applied('aim', goal(one), true, 'none');
  t.match(events, [{ event: 'applied', update: 'one', final: true }]);
  const place = ledger.place('aim', 'all', 'base');
  t.match(place, { latest: { id: 'two', ended: null }, applied: { id: 'one', ended: 'applied', appliedPoweredS: 70 } });
});

t.test('a content whose document was taken back meanwhile is kept all the same', async (t) => {
  const before = heldUpdate({ ...one, ended: 'applied' });
  const { endings, ledger } = bench(before);
  ledger.fold(heldRecord({ ...two, digest: null }));
  await endings.applied('aim', goal(before), true, 'none');
  t.match(ledger.generations('aim'), [{ digest: one.digest, content: { kind: 'signed', jws: one.jws } }]);
});

t.test('one that a newer one ended, with no commit of its own under way, is left alone', async (t) => {
  const { endings, ledger, events } = bench(one);
  ledger.fold(endedRecord(one, 'superseded', null));
  ledger.fold(heldRecord(two));
  await endings.applied('aim', goal(one), false, 'none');
  t.same(events, []);
});

t.test('uncovered: applied again, which is no outcome; what fell off is named', async (t) => {
  const shadow = heldUpdate({
    version: 9,
    id: 'shadow',
    layer: 'shadow',
    until: SIGNED_S - 1,
    ended: 'applied',
    appliedPoweredS: 1,
  });
  const { endings, ledger, events, counted } = bench(heldUpdate({ ...one, ended: 'applied' }), shadow);
  ledger.fold(ranRecord('aim', { version: 9, layer: 'shadow', address: 'all', digest: 'x', since: NOW }));
  await endings.applied('aim', goal(heldUpdate({ ...one, ended: 'applied' })), true, 'none');
  t.match(events, [
    { event: 'expired', update: 'shadow' },
    { event: 'applied', update: 'one', reason: 'nothing stands above it any more' },
  ]);
  t.notOk(events.some(({ final }) => final));
  t.same(counted, []);
});

t.test('back to what was before Locksmith', async (t) => {
  const { endings, events, states } = bench();
  await endings.applied('aim', goal(null), true, 'none');
  t.match(events, [{ event: 'applied', config: 'aim', version: 0, reason: 'as it was before Locksmith' }]);
  t.match(states, [{ running: { version: 0, layer: null, address: null }, last_attempt: null, confirmed_by: null }]);
});
