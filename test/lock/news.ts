import t from 'tap';
import { lockEvents } from '../../agent/lock/news.ts';
import { COLD, HOT } from '../fixtures/update.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

t.test('each change of a lock is told in the words of the fleet', async (t) => {
  t.match(lockEvents('aim', { what: 'hot', lock: HOT }, NOW_MS), [
    { event: 'lock-hot', config: 'aim', token: HOT.token, reason: new RegExp(`^${HOT.file} HOT \\(held by `) },
  ]);
  t.match(lockEvents('aim', { what: 'cold', lock: COLD }, NOW_MS), [{ event: 'lock-cold', token: COLD.token }]);
  t.same(lockEvents('aim', { what: 'token', lock: COLD }, NOW_MS), []);
});

t.test('a reclaim tells old and new token and why', async (t) => {
  const reclaim = { oldToken: 7, newToken: 8, why: 'its holder is gone', holder: null, by: null };
  t.match(lockEvents('aim', { what: 'reclaimed', lock: COLD, reclaim }, NOW_MS), [
    { event: 'reclaimed', token: 8, reason: 'its holder is gone; token 7 → 8' },
  ]);
});
