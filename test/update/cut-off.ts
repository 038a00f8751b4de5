import t from 'tap';
import { hostTargets } from '../../agent/host/targets.ts';
import type { ConfigSettings } from '../../agent/settings-schema.ts';
import { endCutOff } from '../../agent/update/cut-off.ts';
import { heldRecord, intentOverRecord, intentRecord, refOf } from '../../agent/update/ledger.ts';
import { heldUpdate, ledgerOf } from '../fixtures/update.ts';

t.test('what became of a commit that was cut off', async (t) => {
  const held = heldUpdate({ version: 3 });
  const settings: ConfigSettings = {
    files: [{ path: `${t.testdir({})}/aim.conf`, format: 'text', follow: false }],
    ...{ on_hot: 'wait', on_drift: 'report', generations: 10, writers: [] },
  };
  const intent = intentRecord({ config: 'aim', of: refOf(held), files: [], tokenBefore: 1 });
  const end = async (records: Parameters<typeof ledgerOf>[0], step: string | null, over: boolean) => {
    const ledger = ledgerOf(records);
    return endCutOff({ ledger, targets: hostTargets(), config: 'aim', settings }, async ({ file, open }) => {
      t.equal(file, 'aim.conf');
      t.same(
        open.map(({ name }) => name),
        ['aim.conf'],
      );
      if (over) ledger.fold(intentOverRecord('aim', step === null));
      return step;
    });
  };
  t.equal(await end([heldRecord(held)], null, false), null, 'there is none');
  const document = 'base version 3 for all';
  const cutOff = [heldRecord(held), intent];
  t.same(await end(cutOff, 'again', true), { config: 'aim', document, end: 'forward' });
  t.same(await end(cutOff, null, true), { config: 'aim', document, end: 'back' });
  t.same(await end(cutOff, 'rest', false), { config: 'aim', document, end: 'waits' });
  const asBefore = intentRecord({ config: 'aim', of: null, files: [], tokenBefore: 1 });
  t.match(await end([asBefore], 'again', true), { document: /before Locksmith/ });
});
