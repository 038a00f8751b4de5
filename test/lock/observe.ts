import { writeFileSync } from 'node:fs';
import t from 'tap';
import { hostKernelLocks } from '../../agent/host/libc.ts';
import { Failure } from '../../agent/values/errors.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { makeRoom, mustHold } from '../fixtures/lock-room.ts';

t.test('a stale lock is explained and left as it is', async (t) => {
  const { room, paths, word } = makeRoom(t);
  await room.settleAll();
  writeFileSync(paths.bit, '1\n');
  const seen = await room.lock('aim').observe();
  t.match(seen, { lock: { state: 'HOT', verdict: 'stale' }, stale: /conf_locked/, complete: true });
  t.equal(word('bit'), '1');
});

t.test('an update that is being applied is waited for', async (t) => {
  const bench = makeRoom(t);
  const held = await mustHold(bench, { purpose: 'commit' });
  const other = makeRoom(t, { dir: bench.dir });
  const seen = other.room.lock('aim').observe();
  const taking = other.room.lock('aim');
  await held.release();
  t.match(await seen, { lock: { state: 'COLD' } });
  t.match(await taking.settle(), { state: 'COLD', token: 1 });
  const again = await mustHold(bench, { purpose: 'commit' });
  t.match((await other.room.lock('aim').observe()).lock, { state: 'HOT', verdict: 'held' }, 'but not for ever');
  await again.release();
});

t.test('who stays in the guard is named', async (t) => {
  const { room, paths } = makeRoom(t);
  await room.settleAll();
  const locker = await flockBy(t, paths.guard);
  const seen = await room.lock('aim').observe();
  t.match(seen.lock, { state: 'HOT', verdict: 'held', holder: { pid: locker.pid }, path: paths.guard });
});

t.test('who may not open the files sees the record, the lock list and the control surface', async (t) => {
  const bench = makeRoom(t);
  await bench.room.settleAll();
  const real = hostKernelLocks();
  const kernel = {
    ...real,
    open: (op: string, path: string) => {
      throw new Failure('no-permission', op, path, 'no', { retry: true });
    },
  };
  const barred = makeRoom(t, { dir: bench.dir, ports: { kernel } }).room.lock('aim');
  t.match(await barred.observe(), { lock: { state: 'COLD', token: 0 } });
  const held = await mustHold(bench, { reason: 'survey' });
  t.match(await barred.observe(), { lock: { state: 'HOT', verdict: 'held', reason: 'survey', token: 1 } });
  await held.release();
  const locker = await flockBy(t, bench.conf);
  t.match(await barred.observe(), { lock: { state: 'HOT', verdict: 'held', holder: { pid: locker.pid } } });
  await locker.end();
  writeFileSync(bench.paths.state, 'HOT\n');
  writeFileSync(bench.paths.verdict, 'unseen\n');
  t.match(await barred.observe(), { lock: { state: 'HOT', verdict: 'unseen' } });
});
