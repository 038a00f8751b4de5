import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { collectGarbage, isWorthSaying, sayGarbage } from '../../agent/lock/gc.ts';
import { Failure } from '../../agent/values/errors.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { makeRoom } from '../fixtures/lock-room.ts';

/** The pid of a process that is gone: none is ever given a number this high. */
const NOBODY = 4_194_305;

t.test('every lock is settled, a stale one reclaimed, and what dead writers left is removed', async (t) => {
  const { room, ports, paths } = makeRoom(t);
  await room.settleAll();
  writeFileSync(paths.bit, '1\n');
  const left = join(paths.dir, `record.json.${NOBODY}.abc123.tmp`);
  const under = join(paths.dir, `record.json.${process.ppid}.abc123.tmp`);
  for (const file of [left, under]) writeFileSync(file, 'half');
  const dirs = [paths.dir, join(paths.dir, 'none')];
  const found = await collectGarbage(room, ports.files, dirs);
  t.strictSame(found, { locks: 1, hot: 0, failed: 0, reclaimed: 1, leftovers: 1 });
  t.equal(existsSync(left), false);
  t.ok(existsSync(under), 'a living writer is left to write');
  t.match(room.states(), { aim: { state: 'COLD', token: 1 } });
  t.strictSame(await collectGarbage(room, ports.files, dirs), { ...found, reclaimed: 0, leftovers: 0 });
});

t.test('a HOT lock is counted and left alone', async (t) => {
  const { room, ports, conf } = makeRoom(t);
  await room.settleAll();
  const locker = await flockBy(t, conf);
  t.match(await collectGarbage(room, ports.files, []), { locks: 1, hot: 1, reclaimed: 0 });
  process.kill(locker.pid, 0);
});

t.test('what fails is counted, a directory that cannot be read is passed over', async (t) => {
  const room = { settleAll: async () => ({ locks: 2, hot: 0, failed: 1 }), onChange: () => () => {} };
  const files = {
    list: () => {
      throw new Failure('io', 'leftovers.remove', '/run/x', 'a bad block', { retry: true });
    },
    removeTemps: () => t.fail('removed'),
  };
  const found = await collectGarbage(room, files, ['/run/x']);
  t.strictSame(found, { locks: 2, hot: 0, failed: 1, reclaimed: 0, leftovers: 0 });
});

t.test('in words', async (t) => {
  const clean = { locks: 1, hot: 1, reclaimed: 0, failed: 0, leftovers: 0 };
  t.equal(isWorthSaying(clean), false);
  t.equal(sayGarbage(clean), 'garbage collected: 1 lock settled, 1 HOT, 0 reclaimed, 0 leftovers removed');
  const found = { locks: 3, hot: 0, reclaimed: 2, failed: 1, leftovers: 1 };
  t.equal(isWorthSaying(found), true);
  t.equal(
    sayGarbage(found),
    'garbage collected: 3 locks settled, 0 HOT, 2 reclaimed, 1 not settled, 1 leftover removed',
  );
});
