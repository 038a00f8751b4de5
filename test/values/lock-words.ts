import t from 'tap';
import type { LockState } from '../../agent/values/lock.ts';
import { sayHolder, sayLock } from '../../agent/values/lock-words.ts';

const nowMs = Date.parse('2026-01-01T00:00:08.000Z');
const holder = { pid: 4711, start: 1, command: 'flock', user: 'root', unit: null };
const hot: LockState = {
  ...{ state: 'HOT', verdict: 'held', holder, since: '2026-01-01T00:00:00.000Z', token: 17, refusals: 0 },
  file: 'aim_lock_config.conf',
};

t.test('the sentence of the incident', async (t) => {
  t.equal(sayLock(hot, nowMs), 'held by pid 4711 flock, user root, for 8 s');
});

t.test('every verdict is worded', async (t) => {
  t.equal(sayLock({ ...hot, state: 'COLD', verdict: null, holder: null }, nowMs), 'free');
  t.equal(
    sayLock({ ...hot, verdict: 'overdue', until: '2026-01-01T00:00:05.000Z' }, nowMs),
    'overdue: held by pid 4711 flock, user root, for 8 s, 3 s past its time',
  );
  t.equal(sayLock({ ...hot, verdict: 'stale' }, nowMs), 'stale: left behind by pid 4711 flock, user root, for 8 s');
  t.equal(sayLock({ ...hot, verdict: 'stale', holder: null, since: null }, nowMs), 'stale: left behind');
  t.equal(
    sayLock({ ...hot, verdict: 'orphaned', leaked_by: 4700 }, nowMs),
    'orphaned: held by pid 4711 flock, user root, left to it by pid 4700 which is gone, for 8 s',
  );
  t.equal(sayLock({ ...hot, verdict: 'orphaned' }, nowMs), 'orphaned: held by pid 4711 flock, user root, for 8 s');
  t.equal(
    sayLock({ ...hot, verdict: 'unseen', holder: null }, nowMs),
    'unseen: somebody has it whom no process here shows, for 8 s',
  );
  t.equal(sayLock({ ...hot, verdict: 'unseen' }, nowMs), 'unseen: last on record pid 4711 flock, user root, for 8 s');
  const lessee = { pid: 0, start: null, command: null, user: 'eve', unit: null };
  t.equal(
    sayLock({ ...hot, lease: true, holder: lessee, until: '2026-01-01T00:01:08.000Z', reason: 'survey' }, nowMs),
    'held by a lease of user eve, for 8 s, 1 min to go, "survey"',
  );
  t.equal(sayLock({ ...hot, holder: null, since: '2027-01-01T00:00:00.000Z' }, nowMs), 'held by somebody');
});

t.test('holders', async (t) => {
  t.equal(sayHolder({ ...holder, unit: 'aim.service' }), 'pid 4711 flock, user root, aim.service');
  t.equal(sayHolder({ ...holder, command: null, user: null }), 'pid 4711');
  t.equal(sayHolder({ pid: 0, start: null, command: null, user: null, unit: null }), 'somebody');
});
