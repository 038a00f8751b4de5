import t from 'tap';
import { refOf } from '../../agent/update/ledger.ts';
import { sameDocument } from '../../agent/update/ref.ts';
import { heldUpdate } from '../fixtures/update.ts';

t.test('a document is its place and version, whatever was renewed', async (t) => {
  const held = heldUpdate();
  t.ok(sameDocument(null, null));
  t.notOk(sameDocument(null, held));
  t.notOk(sameDocument(held, null));
  t.ok(sameDocument(refOf(held), heldUpdate({ hash: 'renewed' })));
  for (const other of [{ address: 'dev/drone-7' }, { layer: 'shadow' }, { version: 2 }, { config: 'pair' }] as const) {
    t.notOk(sameDocument(held, heldUpdate(other)), JSON.stringify(other));
  }
});
