import t from 'tap';
import type { HeldRecord } from '../../agent/lock/record.ts';
import type { FreeLock, HotLock, StaleLock } from '../../agent/lock/settle.ts';
import { date, sameHold, stateOf } from '../../agent/lock/shown.ts';
import type { Clock } from '../../agent/ports/world.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

const holder = { pid: 5, start: 6, command: 'flock', user: 'root', unit: null };
const free: FreeLock = { kind: 'free', token: 3, unprivileged: [], reclaims: [] };
const foreign: HotLock = {
  ...{
    kind: 'hot',
    verdict: 'held',
    holder,
    token: 3,
    record: null,
    leakedBy: null,
    path: '/etc/a',
    complete: true,
    reclaims: [],
  },
};
const record = (clock: Clock): HeldRecord => ({
  ...{ mode: 'held', kind: 'lease', purpose: 'hold', token: 4, holder, boot: clock.bootId, reason: 'why' },
  ...{ pidNamespace: 1, timeNamespace: 1, sidecar: { dev: 1, ino: 1 }, since: 'x', sinceBootMs: 1000 },
  ...{ deadlineBootMs: 61_000, reclaims: [] },
});

t.test('what a settle found, as the fleet sees it', async (t) => {
  const clock = manualClock();
  t.strictSame(stateOf(free, 'a.conf', clock), {
    ...{ state: 'COLD', verdict: null, holder: null, since: null, token: 3, refusals: 0, file: 'a.conf' },
  });
  t.match(stateOf({ ...free, unprivileged: [holder] }, 'a.conf', clock), { state: 'COLD', unprivileged: [holder] });
  t.match(stateOf(foreign, 'a.conf', clock), { state: 'HOT', verdict: 'held', holder, path: '/etc/a' });
  t.match(stateOf({ ...foreign, verdict: 'orphaned', leakedBy: 4 }, 'a.conf', clock), { leaked_by: 4 });
  const lease = { ...foreign, path: null, record: record(clock) };
  t.match(stateOf(lease, 'a.conf', clock), { lease: true, reason: 'why', until: '2026-01-01T00:01:01.000Z' });
  const stale: StaleLock = { kind: 'stale', token: 4, unprivileged: [], why: 'x', record: record(clock), reclaims: [] };
  t.match(stateOf(stale, 'a.conf', clock), { state: 'HOT', verdict: 'stale', holder });
});

t.test('since: from the record, else from when it was first seen, and through jumps of the wall clock', async (t) => {
  const clock = manualClock();
  clock.advance(10_000);
  const lease = { ...foreign, record: record(clock) };
  t.equal(date(lease, stateOf(lease, 'a', clock), null, null, clock).lock.since, '2026-01-01T00:00:01.000Z');
  const first = date(foreign, stateOf(foreign, 'a', clock), null, null, clock);
  t.equal(first.lock.since, '2026-01-01T00:00:10.000Z');
  clock.advance(5000);
  const again = date(foreign, stateOf(foreign, 'a', clock), first, null, clock);
  t.equal(again.lock.since, first.lock.since, 'the same holder');
  const other = { ...foreign, holder: { ...holder, pid: 9 } };
  t.equal(date(other, stateOf(other, 'a', clock), first, null, clock).lock.since, '2026-01-01T00:00:15.000Z');
  const fresh = date(foreign, stateOf(foreign, 'a', clock), null, '2026-01-01T00:00:07.000Z', clock);
  t.equal(fresh.lock.since, '2026-01-01T00:00:07.000Z', 'a fresh process goes on from the control surface');
  const absurd = date(foreign, stateOf(foreign, 'a', clock), null, '2030-01-01T00:00:00.000Z', clock);
  t.equal(absurd.lock.since, '2026-01-01T00:00:15.000Z', 'unless it says something impossible');
  const jumped = { ...clock, wallMs: () => clock.wallMs() + 3_600_000 };
  t.equal(date(foreign, stateOf(foreign, 'a', jumped), first, null, jumped).lock.since, '2026-01-01T01:00:10.000Z');
});

t.test('what counts as the same hold', async (t) => {
  const clock = manualClock();
  const a = stateOf(foreign, 'a', clock);
  t.equal(sameHold(a, { ...a, token: 99, refusals: 5, since: 'x' }), true);
  for (const other of [
    { ...a, state: 'COLD' as const },
    { ...a, verdict: 'orphaned' as const },
    { ...a, holder: { ...holder, start: 7 } },
    { ...a, holder: null },
    { ...a, reason: 'x' },
    { ...a, unprivileged: [holder] },
  ]) {
    t.equal(sameHold(a, other), false);
  }
});
