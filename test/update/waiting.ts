import t from 'tap';
import { lineRoom, wish } from '../fixtures/line-room.ts';

t.test('why a document waits is said once per document and holder', async (t) => {
  const room = await lineRoom(t);
  room.locks.hot = true;
  await room.give(wish(1, 'one\n'));
  room.line.wake('aim');
  await room.give(wish(1, 'one\n'));
  const refusals = room.events.filter(({ event }) => event === 'refused');
  t.match(refusals, [{ code: 'lock-mismatch', mismatch: 'hot', final: false, version: 1 }]);
  t.equal(refusals.length, 1);
  t.same(room.line.view('aim').pending, { id: 'u-1', version: 1, waiting_for: ['lock'] });
  t.equal(room.line.view('aim').lastAttempt?.result, 'refused');
});

t.test('on_hot: refuse ends the document', async (t) => {
  const room = await lineRoom(t, { onHot: 'refuse' });
  room.locks.hot = true;
  await room.give(wish(1, 'one\n'));
  t.match(room.events, [{ event: 'refused', code: 'lock-mismatch', mismatch: 'hot', final: true }]);
  t.equal(room.line.view('aim').pending, null);
  t.equal(room.content(), 'before\n');
});

t.test('what waits is given up when a newer one comes, with one outcome each', async (t) => {
  const room = await lineRoom(t);
  room.locks.hot = true;
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  room.locks.hot = false;
  room.line.wake('aim');
  await room.give(wish(2, 'two\n'));
  t.same(room.outcomes(), ['superseded 1', 'applied 2']);
  t.equal(room.content(), 'two\n');
});
