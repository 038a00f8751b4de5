import { renameSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { openLocks } from '../../agent/lock/room.ts';
import { elsewhereBy, flockBy, leakBy, lockfBy } from '../fixtures/lock-holders.ts';
import { makeRoom, mustHold, wish } from '../fixtures/lock-room.ts';
import { until } from '../fixtures/until.ts';

t.test('a fresh lock is COLD, and is shown so', async (t) => {
  const { room, word } = makeRoom(t);
  const lock = await room.lock('aim').settle();
  t.match(lock, { state: 'COLD', verdict: null, holder: null, token: 0, refusals: 0, file: 'aim.conf' });
  t.strictSame(
    [word('state'), word('bit'), word('verdict'), word('holder'), word('token')],
    ['COLD', '0', '', '', '0'],
  );
});

t.test(
  'flock and lockf, on the sidecar and on the config file, are each HOT with their holder, and COLD after kill -9',
  async (t) => {
    for (const [name, by] of Object.entries({ flock: flockBy, lockf: lockfBy })) {
      for (const where of ['sidecar', 'file']) {
        const { room, conf, paths, ports, changes, word } = makeRoom(t);
        await room.lock('aim').settle();
        const locker = await by(t, where === 'file' ? conf : paths.sidecar);
        const lock = room.look('aim');
        const expected = { state: 'HOT', verdict: 'held', holder: { pid: locker.pid, user: 'root' }, token: 0 };
        t.match(lock, expected, `${name} on the ${where}`);
        t.equal(lock.path, where === 'file' ? conf : undefined);
        t.strictSame([word('state'), word('bit'), word('verdict')], ['HOT', '1', 'held']);
        t.match(word('holder'), `pid ${locker.pid}`);
        const acquired = await room.lock('aim').acquire(wish(ports));
        t.equal(acquired.kind, 'hot', 'and is not given');
        await locker.end();
        t.match(await until('COLD', () => (room.look('aim').state === 'COLD' ? room.look('aim') : null)), { token: 0 });
        t.equal(word('bit'), '0');
        const heard = changes.map(({ what }) => what);
        t.strictSame([heard[0], heard.at(-1)], ['hot', 'cold']);
        t.notOk(heard.includes('reclaimed'), 'nobody was on record');
      }
    }
  },
);

t.test('a descriptor left to a child is orphaned, and the child is named', async (t) => {
  const { room, paths } = makeRoom(t);
  await room.lock('aim').settle();
  const locker = await leakBy(t, paths.sidecar);
  const child = Number(locker.said);
  const lock = room.look('aim');
  t.match(lock, { state: 'HOT', verdict: 'orphaned', holder: { pid: child, command: 'sleep' } });
  t.not(lock.leaked_by, child);
  t.type(lock.leaked_by, 'number');
  process.kill(child, 'SIGKILL');
  await until('COLD', () => room.look('aim').state === 'COLD');
});

t.test('a holder in a pid namespace of its own is found from outside it', async (t) => {
  const { room, paths } = makeRoom(t);
  await room.lock('aim').settle();
  await elsewhereBy(t, paths.sidecar);
  t.match(room.look('aim'), { state: 'HOT', verdict: 'held', holder: { command: 'flock' } });
});

t.test('an unprivileged flock on the config file blocks nothing and is named; an honoured one counts', async (t) => {
  const bench = makeRoom(t);
  const { room, conf, dir } = bench;
  await room.lock('aim').settle();
  await flockBy(t, conf, 'nobody');
  t.match(room.look('aim'), { state: 'COLD', unprivileged: [{ user: 'nobody' }] });
  await (await mustHold(bench)).release();
  const strict = makeRoom(t, { dir, honour: ['nobody'] });
  t.match(strict.room.look('aim'), { state: 'HOT', verdict: 'held', holder: { user: 'nobody' }, path: conf });
});

t.test('a grant raises the token by one, excludes both families, and gives all of it back', async (t) => {
  const bench = makeRoom(t);
  const { room, conf, paths, ports, word } = bench;
  const held = await mustHold(bench, { reason: 'calibration' });
  t.strictSame([held.tokenBefore, held.token, held.recorded, held.mine()], [0, 1, true, true]);
  t.strictSame([word('state'), word('bit'), word('token')], ['HOT', '1', '1']);
  for (const file of [conf, paths.sidecar]) {
    for (const families of ['flock', 'record-lock'])
      t.notOk(tryTake(ports.kernel, file, families), `${families} on ${file}`);
  }
  await held.release();
  t.strictSame([word('state'), word('bit'), word('token')], ['COLD', '0', '1']);
  for (const file of [conf, paths.sidecar]) {
    for (const families of ['flock', 'record-lock'])
      t.ok(tryTake(ports.kernel, file, families), `${families} on ${file}`);
  }
  t.match(room.look('aim'), { state: 'COLD', token: 1 });
});

function tryTake(kernel: ReturnType<typeof makeRoom>['ports']['kernel'], path: string, family: string): boolean {
  const file = kernel.open('lock.open', path, {});
  try {
    return family === 'flock' ? kernel.tryFlock('lock.take', file) : kernel.tryRecordLock('lock.take', file);
  } finally {
    kernel.drop('lock.drop', file);
    kernel.close('lock.drop', file);
  }
}

t.test('a bit that nobody stands behind is reclaimed: COLD in one settle, token up', async (t) => {
  const { room, paths, changes, word } = makeRoom(t);
  await room.settleAll();
  // What the lock manager of the incident left behind: the bit set, its owner never written.
  writeFileSync(paths.bit, '1\n');
  t.match(room.look('aim'), { state: 'COLD', token: 1 });
  t.match(changes, [{ what: 'reclaimed', reclaim: { oldToken: 0, newToken: 1, why: /conf_locked/ } }]);
  t.equal(word('bit'), '0');
});

t.test('a record that cannot be read is reclaimed with a token above every one given', async (t) => {
  for (const text of ['', '{"v":1,"mode":"he', '{"v":1,"mode":"free","token":-1}', '[1]', 'x'.repeat(100_000)]) {
    const bench = makeRoom(t);
    const { room, paths } = bench;
    await (await mustHold(bench)).release();
    writeFileSync(paths.record, text);
    t.equal(room.look('aim').verdict, 'stale', 'the token has to be made durable first');
    const lock = await until('COLD', () => (room.look('aim').state === 'COLD' ? room.look('aim') : null));
    t.ok(lock.token > 1, `token ${lock.token} for ${text.slice(0, 20)}`);
  }
});

t.test('a missing record starts above the ceiling', async (t) => {
  const bench = makeRoom(t);
  await (await mustHold(bench)).release();
  rmSync(bench.paths.record);
  const second = await mustHold(bench);
  t.equal(second.token, 1001);
  await second.release();
});

t.test('a lease outlives its process and ends by its time', async (t) => {
  const bench = makeRoom(t);
  const holder = { pid: 0, start: null, command: null, user: 'root', unit: null };
  await (await mustHold(bench, { kind: 'lease', holder, forMs: 1500, reason: 'survey' })).release();
  const other = makeRoom(t, { dir: bench.dir });
  t.match(await other.room.lock('aim').settle(), {
    state: 'HOT',
    verdict: 'held',
    lease: true,
    reason: 'survey',
    token: 1,
  });
  const lock = await until('COLD', () => (other.room.look('aim').state === 'COLD' ? other.room.look('aim') : null));
  t.equal(lock.token, 2);
  t.match(
    other.changes.map(({ what }) => what),
    ['reclaimed', 'cold'],
  );
});

t.test('a reclaim by another process is told by the agent, once, and not again after its restart', async (t) => {
  const bench = makeRoom(t);
  await bench.room.settleAll();
  const held = await mustHold(bench);
  const record = bench.word('record');
  await held.release();
  // As if the process had been killed: its kernel locks are gone, its record is there.
  writeFileSync(bench.paths.record, record);
  const command = openLocks(bench.ports, bench.settings);
  const acquired = await command.lock('aim').acquire(wish(bench.ports));
  if (acquired.kind === 'got') await acquired.held.release();
  const agent = makeRoom(t, { dir: bench.dir });
  await agent.room.settleAll();
  t.match(agent.changes, [
    { what: 'reclaimed', lock: { state: 'COLD', token: 3 }, reclaim: { oldToken: 1, newToken: 2 } },
  ]);
  const again = makeRoom(t, { dir: bench.dir });
  await again.room.settleAll();
  t.strictSame(again.changes, []);
  command.close();
});

t.test(
  'a lock file removed by a stranger proves nothing: a live holder keeps its lock, a gone one loses it',
  async (t) => {
    for (const withFile of [true, false]) {
      const bench = makeRoom(t);
      if (!withFile) rmSync(bench.conf);
      const held = await mustHold(bench);
      rmSync(bench.paths.sidecar);
      const other = makeRoom(t, { dir: bench.dir });
      const pid = process.pid;
      t.match(await other.room.lock('aim').settle(), { state: 'HOT', verdict: 'held', holder: { pid }, token: 1 });
      t.match(await held.fenced(() => t.fail('ran')), { kind: 'lost' });
    }
  },
);

t.test('the config file renamed, replaced or removed under the lock', async (t) => {
  const { room, conf } = makeRoom(t);
  await room.settleAll();
  const locker = await flockBy(t, conf);
  t.equal(room.look('aim').state, 'HOT');
  renameSync(conf, `${conf}.old`);
  t.equal(room.look('aim').state, 'COLD', 'what is locked is not the config any more');
  writeFileSync(conf, 'gain = 2\n');
  t.equal(room.reach('aim').state, 'COLD');
  renameSync(`${conf}.old`, conf);
  t.match(room.look('aim'), { state: 'HOT', holder: { pid: locker.pid } });
});
