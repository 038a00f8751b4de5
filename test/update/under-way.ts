import t from 'tap';
import { createUnderWay, type Intent } from '../../agent/update/under-way.ts';
import { heldUpdate } from '../fixtures/update.ts';

const held = heldUpdate();
const intent: Intent = { config: 'aim', of: held, files: [], tokenBefore: 5 };

t.test('a commit begins and is finished', async (t) => {
  const under = createUnderWay();
  under.begin(intent, held);
  t.same([under.intent('aim'), under.held('aim')], [intent, held]);
  t.same([under.all(), under.takenBack()], [[{ intent, held }], []]);
  under.finish('aim', false);
  t.same([under.intent('aim'), under.held('aim'), under.all(), under.takenBack()], [null, null, [], []]);
  t.equal(under.tokenFound('aim', held), null);
});

t.test('a return to what was there before Locksmith has no document', async (t) => {
  const under = createUnderWay();
  under.begin({ ...intent, of: null }, null);
  t.same(under.all(), [{ intent: { ...intent, of: null }, held: null }]);
  t.equal(under.held('aim'), null);
});

t.test('one taken back leaves the token it found, for its document, until the next begins or ends', async (t) => {
  for (const end of ['begin', 'finish'] as const) {
    const under = createUnderWay();
    under.begin(intent, held);
    t.equal(under.tokenFound('aim', held), null, 'not while it is under way');
    under.finish('aim', true);
    t.equal(under.tokenFound('aim', held), 5);
    t.equal(under.tokenFound('aim', heldUpdate({ version: 2 })), null);
    t.equal(under.tokenFound('pair', held), null);
    t.same(under.takenBack(), [intent]);
    if (end === 'begin') under.begin({ ...intent, tokenBefore: 9 }, held);
    else under.finish('aim', false);
    t.equal(under.tokenFound('aim', held), null);
  }
  const under = createUnderWay();
  under.finish('aim', true);
  t.same(under.takenBack(), [], 'nothing begun, nothing taken back');
});
