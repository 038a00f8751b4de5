import t from 'tap';
import type { Holder, LockState } from '../../agent/values/lock.ts';
import { sayHolder, sayLock } from '../../agent/values/lock-words.ts';

const NOW_MS = Date.parse('2026-11-22T03:00:08.000Z');
const holder: Holder = { pid: 4711, start: 1, command: 'flock', user: 'root', unit: null };
const hot: LockState = {
  state: 'HOT',
  verdict: 'held',
  holder,
  since: '2026-11-22T03:00:00.000Z',
  token: 3,
  refusals: 0,
  file: 'aim_lock_config.conf',
};

t.test('a holder in words, with as much as is known', async (t) => {
  t.equal(sayHolder(holder), 'pid 4711 flock, user root');
  t.equal(sayHolder({ ...holder, unit: 'aim.service' }), 'pid 4711 flock, user root, aim.service');
  t.equal(sayHolder({ ...holder, pid: 0 }), 'flock, user root');
  t.equal(sayHolder({ ...holder, command: null, user: null }), 'pid 4711');
  t.equal(sayHolder({ pid: 0, start: null, command: null, user: null, unit: null }), 'somebody');
});

t.test('each verdict has words of its own', async (t) => {
  const said = (more: Partial<LockState>) => sayLock({ ...hot, ...more }, NOW_MS);
  t.equal(said({}), 'held by pid 4711 flock, user root, for 8 s');
  t.equal(said({ lease: true }), 'held by a lease of pid 4711 flock, user root, for 8 s');
  t.match(said({ verdict: 'overdue', until: '2026-11-22T03:00:05.000Z' }), /^overdue: .* 3 s past its time$/);
  t.match(said({ until: '2026-11-22T03:01:08.000Z', reason: 'calibration' }), /, 1 min to go, "calibration"$/);
  t.match(said({ verdict: 'stale' }), /^stale: left behind by pid 4711/);
  t.match(said({ verdict: 'stale', holder: null, since: null }), /^stale: left behind$/);
  t.match(said({ verdict: 'orphaned', leaked_by: 12 }), /left to it by pid 12 which is gone/);
  t.match(said({ verdict: 'orphaned' }), /^orphaned: held by pid 4711/);
  t.match(said({ verdict: 'unseen', holder: null }), /^unseen: somebody has it whom no process here shows/);
  t.match(said({ verdict: 'unseen' }), /^unseen: last on record pid 4711/);
  t.equal(sayLock({ ...hot, state: 'COLD', verdict: null, holder: null }, NOW_MS), 'free');
});

t.test('no length of time is said where the clock makes none', async (t) => {
  for (const since of [null, '2026-11-22T04:00:00.000Z', 'rubbish']) {
    t.notMatch(sayLock({ ...hot, since }, NOW_MS), / for /, String(since));
  }
});
