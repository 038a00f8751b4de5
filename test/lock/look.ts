import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostClock } from '../../agent/host/clock.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { hostKernelLocks } from '../../agent/host/libc.ts';
import { freeByList, isQuiet } from '../../agent/lock/look.ts';
import { openParts } from '../../agent/lock/parts.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { makeRoom } from '../fixtures/lock-room.ts';

t.test('a glance takes no kernel lock while nothing speaks against COLD', async (t) => {
  const taken: string[] = [];
  const kernel = hostKernelLocks({ trace: (op) => void taken.push(op) });
  const { room } = makeRoom(t, { ports: { kernel } });
  await room.settleAll();
  taken.length = 0;
  for (let count = 0; count < 10; count += 1) room.look('aim');
  t.notOk(taken.includes('lock.take'));
  t.notOk(taken.includes('lock.guard'));
  room.reach('aim');
  t.ok(taken.includes('lock.take'), 'but reaching for it does');
});

t.test('whatever speaks against COLD is noticed', async (t) => {
  const { room, ports, settings, paths, conf } = makeRoom(t);
  const seen = { locks: true };
  const processes = { ...ports.processes, lockLines: () => (seen.locks ? ports.processes.lockLines() : null) };
  const parts = openParts({ ...ports, processes }, settings, 'aim');
  const settle = async () => {
    await room.lock('aim').settle();
    parts.hands.reach(() => null);
    parts.hands.drop();
  };
  const quiet = () => isQuiet(parts, room.lock('aim').last());
  await settle();
  t.equal(quiet(), true);
  t.equal(isQuiet(parts, null), false);
  const record = `${paths.record}.kept`;
  renameSync(paths.record, record);
  t.equal(quiet(), false, 'no record');
  writeFileSync(paths.record, 'torn');
  t.equal(quiet(), false, 'a torn record');
  renameSync(record, paths.record);
  seen.locks = false;
  t.equal(quiet(), false, 'a list of locks that cannot be read');
  seen.locks = true;
  t.equal(quiet(), true);
  writeFileSync(paths.bit, '1\n');
  t.equal(quiet(), false, 'a bit');
  writeFileSync(paths.bit, '0\n');
  for (const file of [conf, paths.sidecar]) {
    const locker = await flockBy(t, file);
    t.equal(quiet(), false, file);
    await locker.end();
  }
  rmSync(paths.sidecar);
  t.equal(quiet(), false, 'no sidecar');
});

t.test('a lock is found free by the list of all locks alone, where that list is whole', async (t) => {
  const bench = makeRoom(t);
  await bench.room.settleAll();
  const of = (pidNamespace: number) => {
    const parts = openParts(bench.ports, bench.settings, 'aim');
    return freeByList({ ...parts, self: { ...parts.self, pidNamespace } });
  };
  t.match(of(0xeffffffc), { kind: 'free', token: 0 });
  t.equal(of(1), null, 'in a container locks of others may be missing from it');
  await flockBy(t, bench.conf);
  t.equal(of(0xeffffffc), null);
});

t.test('what has long been so is not read again; whatever takes its place is', async (t) => {
  const ahead = { ms: 0 };
  const real = hostClock();
  // As if all that is there had been there for a while.
  const clock = { ...real, wallMs: () => real.wallMs() + ahead.ms };
  const read: string[] = [];
  const files = hostFiles((op) => void read.push(op));
  const { room, paths } = makeRoom(t, { ports: { clock, files } });
  await room.settleAll();
  ahead.ms = 5000;
  const lock = room.lock('aim');
  t.equal(lock.quiet(), true);
  read.length = 0;
  t.equal(lock.quiet(), true);
  t.same(read, ['lock.inode', 'lock.view'], 'a look at the directory and one at the bit');
  for (const text of ['1\n', '0\n']) {
    writeFileSync(paths.bit, text);
    t.equal(lock.quiet(), text === '0\n', 'written in place');
  }
  const other = `${paths.record}.other`;
  writeFileSync(other, readFileSync(paths.record, 'utf8').replace('"token":0', '"token":7'));
  renameSync(other, paths.record);
  t.equal(lock.quiet(), false, 'another record');
  await lock.settle();
  t.equal(lock.quiet(), true);
  copyFileSync(paths.sidecar, other);
  renameSync(other, paths.sidecar);
  t.equal(lock.quiet(), false, 'another sidecar');
});
