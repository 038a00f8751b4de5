import t from 'tap';
import { type Change, openBoard } from '../../agent/lock/board.ts';
import { openParts } from '../../agent/lock/parts.ts';
import type { FreeLock, HotLock } from '../../agent/lock/settle.ts';
import { makeRoom } from '../fixtures/lock-room.ts';

const holder = { pid: 5, start: 6, command: 'flock', user: 'root', unit: null };
const free: FreeLock = { kind: 'free', token: 3, unprivileged: [], reclaims: [] };
const hot: HotLock = {
  ...{
    kind: 'hot',
    verdict: 'held',
    holder,
    token: 3,
    record: null,
    leakedBy: null,
    path: null,
    complete: true,
    reclaims: [],
  },
};

t.test('what is new is told once, and a process that starts afresh tells nothing old', async (t) => {
  const { ports, settings, room } = makeRoom(t);
  await room.settleAll();
  const heard: Change[] = [];
  const parts = openParts(ports, settings, 'aim');
  const board = openBoard(parts, (change) => heard.push(change) > 0);
  const told = (found: FreeLock | HotLock) => {
    parts.surface.show(board.note(found));
    board.flush();
    return heard.splice(0).map(({ what }) => what);
  };
  t.strictSame(told(free), []);
  t.strictSame(told(free), []);
  t.strictSame(told({ ...free, token: 4 }), ['token']);
  t.strictSame(told(hot), ['hot']);
  t.strictSame(board.hints(), [5]);
  board.refused();
  board.refused();
  t.equal(board.last()?.refusals, 2);
  t.strictSame(told(hot), []);
  t.equal(board.last()?.refusals, 2);
  t.strictSame(told({ ...hot, holder: { ...holder, pid: 9 } }), ['hot'], 'another holder');
  const fresh = openBoard(openParts(ports, settings, 'aim'), (change) => heard.push(change) > 0);
  fresh.note({ ...hot, holder: { ...holder, pid: 9 } });
  fresh.flush();
  t.strictSame(heard, []);
  t.equal(fresh.last()?.refusals, 2, 'the count goes on after a restart');
  const reclaim = { oldToken: 3, newToken: 4, why: 'gone', by: null, holder: null };
  t.strictSame(board.untold([reclaim]), [reclaim]);
  t.strictSame(told({ ...free, token: 4, reclaims: [reclaim] }), ['reclaimed', 'cold']);
  t.strictSame(told({ ...free, token: 4, reclaims: [reclaim] }), [], 'once');
  const released = { ...reclaim, newToken: 5, by: 'eve' };
  t.strictSame(told({ ...free, token: 5, reclaims: [reclaim, released] }), ['released', 'token']);
  const restarted = openBoard(openParts(ports, settings, 'aim'), () => t.fail('told again'));
  restarted.note({ ...free, token: 5, reclaims: [reclaim, released] });
  restarted.flush();
  t.equal(board.last()?.refusals, 0);
  board.refused();
  t.equal(board.last()?.refusals, 0, 'nothing is refused because of a COLD lock');
  board.token(7);
  board.token(7);
  board.flush();
  t.strictSame(
    heard.splice(0).map(({ what, lock }) => [what, lock.token]),
    [['token', 7]],
  );
});
