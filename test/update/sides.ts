import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import type { FileContent } from '../../agent/update/content.ts';
import { openKeeper } from '../../agent/update/keep.ts';
import { changesBy, lastChange, runningSide, type Side } from '../../agent/update/sides.ts';
import { lineRoom, wish } from '../fixtures/line-room.ts';

const textOf = (contents: readonly FileContent[] | undefined) =>
  contents?.map(({ bytes }) => (bytes === null ? null : new TextDecoder().decode(bytes)))[0];
const say = (side: Side | null | undefined) => side && `${side.title}: ${textOf(side.contents())}`;

t.test('what each version changed, or would change', async (t) => {
  const room = await lineRoom(t);
  const { ledger } = room;
  const keeper = openKeeper(hostFiles(), sha256, `${room.etc}/../kept`);
  t.equal(runningSide(ledger, keeper, 'aim'), null);
  t.equal(lastChange(ledger, keeper, 'aim'), null);
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  t.equal(say(runningSide(ledger, keeper, 'aim')), 'base version 2 for all: two\n');
  const last = lastChange(ledger, keeper, 'aim');
  t.equal(say(last?.before), 'base version 1 for all: one\n');
  t.equal(last?.after.at, '2026-01-01T00:00:00.000Z');

  const [first] = changesBy(ledger, keeper, 'aim', 1);
  t.equal(say(first?.before), 'as it was before Locksmith: before\n');
  t.match(changesBy(ledger, keeper, 'aim', 0), [{ before: null, after: { title: 'as it was before Locksmith' } }]);

  room.locks.hot = true;
  await room.give(wish(3, 'three\n'));
  const [waiting] = changesBy(ledger, keeper, 'aim', 3);
  t.equal(say(waiting?.before), 'base version 2 for all: two\n');
  t.equal(say(waiting?.after), 'base version 3 for all (not applied yet): three\n');
  await room.give(wish(1, 'mine\n', { aud: 'dev/drone-7', id: 'mine' }));
  t.same(
    changesBy(ledger, keeper, 'aim', 1).map(({ after }) => after.title),
    ['base version 1 for all', 'base version 1 for dev/drone-7 (not applied yet)'],
    'one version of two addresses',
  );
  await room.give({ version: 4, id: 'u-4', withdraw: true });
  t.same(changesBy(ledger, keeper, 'aim', 4), [], 'a withdrawal has no content');
  t.same(changesBy(ledger, keeper, 'aim', 9), []);
});
