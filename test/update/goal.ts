import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { generationRecord } from '../../agent/update/generations.ts';
import { allHeld, goalOf, goalOfIntent, isOpen } from '../../agent/update/goal.ts';
import { openKeeper } from '../../agent/update/keep.ts';
import { endedRecord, heldRecord, refOf } from '../../agent/update/ledger.ts';
import { heldUpdate, ledgerOf } from '../fixtures/update.ts';

const one = heldUpdate({ version: 1, id: 'one' });
const two = heldUpdate({ version: 2, id: 'two' });

t.test('all that is held: the newest of each place, and the last applied one behind it', async (t) => {
  const ledger = ledgerOf([heldRecord(one), endedRecord(one, 'applied', 0), heldRecord(two)]);
  t.same(
    allHeld(ledger, 'aim').map(({ id }) => id),
    ['two', 'one'],
  );
  t.same(allHeld(ledger, 'other'), []);
});

t.test('open: the newest of its place, without an outcome', async (t) => {
  t.ok(isOpen(ledgerOf([heldRecord(one)]), one));
  t.notOk(isOpen(ledgerOf([heldRecord(one), endedRecord(one, 'refused', null)]), one));
  t.notOk(isOpen(ledgerOf([heldRecord(one), heldRecord(two)]), one), 'a newer one stands there');
  t.notOk(isOpen(ledgerOf([]), one));
});

t.test('what should be on disk: by a document, or as it was before', async (t) => {
  const keeper = openKeeper(hostFiles(), sha256, `${t.testdir({})}/kept`);
  const ledger = ledgerOf([heldRecord(one)]);
  t.match(goalOf(ledger, keeper, 'aim', one), {
    ...{ held: one, digest: one.digest },
    contents: [{ name: 'aim.conf', bytes: Buffer.from('rate = 5\n') }],
  });
  t.equal(goalOf(ledger, keeper, 'aim', null), null, 'nothing was moved yet');
  const before = { name: 'aim.conf', bytes: Buffer.from('before\n') };
  const content = { kind: 'stored', files: await keeper.keep('commit.keep', [before]) } as const;
  const found = { config: 'aim', digest: 'sha256:before', document: null, outcome: null, at: '', content };
  ledger.fold(generationRecord({ ...found, why: 'original' }));
  t.match(goalOf(ledger, keeper, 'aim', null), { held: null, digest: 'sha256:before', contents: [before] });

  const intent = { config: 'aim', files: [], tokenBefore: 0 };
  t.equal(goalOfIntent(ledger, keeper, { ...intent, of: refOf(one) })?.held?.id, 'one');
  t.equal(goalOfIntent(ledger, keeper, { ...intent, of: refOf(two) }), null, 'of a document that is not held');
  t.equal(goalOfIntent(ledger, keeper, { ...intent, of: null })?.digest, 'sha256:before');
});
