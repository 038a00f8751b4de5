import t from 'tap';
import { answerTo } from '../../agent/update/answer.ts';
import { lineRoom, wish } from '../fixtures/line-room.ts';

t.test('what became of a document, in a word', async (t) => {
  const room = await lineRoom(t);
  const answer = async (given: Parameters<typeof room.give>[0]) =>
    answerTo(await room.give(given), room.ledger, room.line.view);
  t.same(await answer(wish(2, 'one\n')), { result: 'applied', code: null, reason: null });
  t.match(await answer(wish(1, 'zero\n')), { result: 'refused', code: 'replayed', reason: /version 1/ });
  t.same(await answer(wish(2, 'one\n')), { result: 'applied', code: null, reason: null }, 'given once more');
  room.locks.hot = true;
  t.match(await answer(wish(3, 'three\n')), {
    result: 'waiting',
    code: 'lock-mismatch',
    reason: /^lock mismatch: aim.conf HOT .*applied by itself later$/,
  });
});

t.test('nothing at all, and what was refused before', async (t) => {
  const room = await lineRoom(t);
  t.match(answerTo({ kind: 'empty' }, room.ledger, room.line.view), { result: 'refused', code: 'malformed' });
  t.match(answerTo({ kind: 'duplicate', held: null }, room.ledger, room.line.view), {
    result: 'refused',
    reason: /refused before/,
  });
});
