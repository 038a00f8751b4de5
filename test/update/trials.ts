import t from 'tap';
import { endedRecord, heldRecord, intentOverRecord, intentRecord, refOf } from '../../agent/update/ledger.ts';
import {
  badRecord,
  createTrials,
  goodRecord,
  planTrial,
  type Trial,
  trialOverRecord,
  trialRecord,
} from '../../agent/update/trials.ts';
import { heldUpdate, ledgerOf } from '../fixtures/update.ts';

const SETTINGS = { files: [], on_hot: 'wait' as const, on_drift: 'report' as const, generations: 10, writers: [] };
const one = heldUpdate({ version: 1, id: 'one' });
const two = heldUpdate({ version: 2, id: 'two' });
const TRIAL: Trial = {
  ...{ config: 'aim', of: refOf(one), digest: 'sha256:new', before: 'sha256:old', fresh: true, binds: null },
  ...{ phase: 'hooks', deadline: null, why: null, deferred: false },
};

t.test('a trial begins, goes on, and is over', async (t) => {
  const trials = createTrials(ledgerOf([heldRecord(one)]).find);
  trials.fold(trialRecord(TRIAL));
  t.same(trials.of('aim'), TRIAL);
  t.equal(trials.held('aim')?.id, 'one');
  trials.fold(trialRecord({ ...TRIAL, phase: 'back' }));
  t.equal(trials.of('aim')?.phase, 'back');
  trials.fold(trialOverRecord('aim'));
  t.same([trials.of('aim'), trials.held('aim')], [null, null]);
});

t.test(
  'the document on trial is known also when a newer one has its place, and in a journal written anew',
  async (t) => {
    const ledger = ledgerOf([heldRecord(one)]);
    const trials = createTrials(ledger.find);
    ledger.fold(intentRecord({ config: 'aim', of: refOf(one), files: [], tokenBefore: 5 }));
    ledger.fold(heldRecord(two));
    trials.fold(trialRecord(TRIAL));
    ledger.fold(intentOverRecord('aim'));
    t.equal(ledger.find(refOf(one)), null);
    t.equal(trials.held('aim')?.id, 'one');
    const anew = createTrials(ledgerOf(ledger.snapshot()).find);
    for (const record of trials.snapshot()) anew.fold(record);
    t.equal(anew.held('aim')?.id, 'one');
    t.same(anew.of('aim'), TRIAL);
    ledger.fold(endedRecord(two, 'refused', null));
  },
);

t.test('what failed is remembered by content, and bounded', async (t) => {
  const trials = createTrials(() => null);
  trials.fold(badRecord('aim', 'sha256:x', 'reload-failed'));
  t.ok(trials.isBad('aim', 'sha256:x'));
  t.notOk(trials.isBad('radio', 'sha256:x'));
  const anew = createTrials(() => null);
  for (const record of trials.snapshot()) anew.fold(record);
  t.ok(anew.isBad('aim', 'sha256:x'));
  anew.fold(goodRecord('aim', 'sha256:x'));
  t.notOk(anew.isBad('aim', 'sha256:x'));
  for (let n = 0; n < 101; n += 1) trials.fold(badRecord('aim', `sha256:${n}`, 'health-failed'));
  t.notOk(trials.isBad('aim', 'sha256:x'), 'the oldest is forgotten');
  t.ok(trials.isBad('aim', 'sha256:100'));
});

t.test('how a change has to prove itself', async (t) => {
  const link = { by: 'link', within_s: 60 } as const;
  const fleet = { by: 'fleet', within_s: 90 } as const;
  const plan = (settings: object, held: Parameters<typeof planTrial>[1], up = true) =>
    planTrial({ ...SETTINGS, ...settings }, held, up);
  const back = heldUpdate({ ended: 'applied', confirm: fleet });
  const health = { tcp: 'h:1', times: 1, every_s: 1, within_s: 20 };
  t.equal(plan({}, one), null);
  t.same(plan({ health }, one), { fresh: true, binds: null });
  t.same(plan({ confirm: link }, one), { fresh: true, binds: link });
  t.equal(plan({ confirm: link }, one, false), null, 'nobody to confirm it');
  t.same(plan({ confirm: link, health }, one, false), { fresh: true, binds: null });
  t.same(plan({}, heldUpdate({ confirm: fleet })), { fresh: true, binds: fleet });
  t.same(plan({ confirm: link }, heldUpdate({ confirm: fleet }))?.binds, { by: 'fleet', within_s: 60 });
  t.same(plan({ confirm: fleet }, heldUpdate({ confirm: link }))?.binds, { by: 'fleet', within_s: 60 });
  for (const returned of [null, back]) {
    t.equal(plan({ confirm: link }, returned), null, 'what comes back was confirmed');
    t.same(plan({ confirm: link, health }, returned), { fresh: false, binds: null });
  }
});
