import { rmSync } from 'node:fs';
import t from 'tap';
import { hostClock } from '../../agent/host/clock.ts';
import { hostKernelLocks } from '../../agent/host/libc.ts';
import { openGuard } from '../../agent/lock/guard.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { keepAlive } from '../fixtures/lock-room.ts';

const kernel = hostKernelLocks();
keepAlive(t);
const guardAt = (path: string) => openGuard(kernel, hostClock(), path, undefined, () => {});

t.test('one at a time, in one process and between two', async (t) => {
  const path = `${t.testdir({})}/guard`;
  const [a, b] = [guardAt(path), guardAt(path)];
  t.equal(a.tryEnter(), true);
  t.equal(a.tryEnter(), false, 'nor the same process twice');
  t.equal(b.tryEnter(), false);
  const waiting = b.enter();
  a.leave();
  t.equal(await waiting, true, 'who waits gets in');
  t.equal(await a.enter(), false, 'but nobody waits for ever');
  b.leave();
  b.leave();
  t.equal(a.tryEnter(), true);
  a.leave();
  a.close();
  b.close();
});

t.test('a guard replaced by a stranger is opened anew', async (t) => {
  const path = `${t.testdir({})}/guard`;
  const [a, b] = [guardAt(path), guardAt(path)];
  t.equal(a.tryEnter(), true);
  a.leave();
  rmSync(path);
  t.equal(b.tryEnter(), true);
  t.equal(a.tryEnter(), false, 'the old file guards nothing any more');
  b.leave();
  t.equal(a.tryEnter(), true);
  a.close();
  b.close();
});

t.test('a process that stays in is not passed', async (t) => {
  const path = `${t.testdir({ guard: '' })}/guard`;
  const locker = await flockBy(t, path);
  const guard = guardAt(path);
  t.equal(await guard.enter(), false);
  t.not(guard.file(), null);
  await locker.end();
  t.equal(await guard.enter(), true);
  guard.close();
});
