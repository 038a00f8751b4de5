import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostProcesses } from '../../agent/host/processes.ts';
import type { Processes } from '../../agent/ports/processes.ts';
import { flockBy, leakBy } from '../fixtures/lock-holders.ts';
import { makeRoom, mustHold } from '../fixtures/lock-room.ts';
import { until } from '../fixtures/until.ts';

const order = { by: 'eve', why: 'survey is over', breakIt: false };
const lessee = { pid: 0, start: null, command: null, user: 'root', unit: null };
const lease = { kind: 'lease', holder: lessee, forMs: 3_600_000, reason: 'survey' } as const;

t.test('a running lease is released, with who and why, and a higher token', async (t) => {
  const bench = makeRoom(t);
  await (await mustHold(bench, lease)).release();
  const agent = makeRoom(t, { dir: bench.dir });
  await agent.room.settleAll();
  t.match(await agent.room.lock('aim').clear(order), { state: 'COLD', token: 2 });
  const release = { by: 'eve', why: 'survey is over', oldToken: 1, newToken: 2, holder: { user: 'root' } };
  t.match(agent.changes, [{ what: 'released', reclaim: release }, { what: 'cold' }]);
});

t.test('nothing is taken from a holder that is there, broken or not', async (t) => {
  const { room, paths } = makeRoom(t);
  await room.settleAll();
  for (const by of [flockBy, leakBy]) {
    const locker = await by(t, paths.sidecar);
    for (const breakIt of [false, true]) {
      t.match(await room.lock('aim').clear({ ...order, breakIt }), { state: 'HOT', token: 0 });
    }
    await locker.end();
    await until('COLD', () => room.look('aim').state === 'COLD');
  }
});

t.test('the last resort: an unseen holder keeps its old lock file and fails at the fence', async (t) => {
  const blind: Processes = { ...hostProcesses(), lockLines: () => [], holders: () => ({ pids: [], unseen: [] }) };
  const bench = makeRoom(t);
  // The config file is not there yet, so that only the lock file is locked.
  rmSync(bench.conf);
  const held = await mustHold(bench, { purpose: 'commit' });
  // A record of another pid namespace and no process to be seen: the holder could be anywhere.
  const record = { ...JSON.parse(bench.word('record')), pid_namespace: 1 };
  writeFileSync(bench.paths.record, JSON.stringify(record));
  const other = makeRoom(t, { dir: bench.dir, ports: { processes: blind } });
  t.match(await other.room.lock('aim').settle(), { state: 'HOT', verdict: 'unseen' });
  t.match(await other.room.lock('aim').clear(order), { state: 'HOT', verdict: 'unseen' });
  t.match(await other.room.lock('aim').clear({ ...order, breakIt: true }), { state: 'COLD', token: 2 });
  t.match(await held.fenced(() => t.fail('ran')), { kind: 'lost' });
  t.match(await other.room.hold('aim', async (grant) => grant.token), { kind: 'done', value: 3 });
});

t.test('0 in conf_locked asks for the same: granted if nobody has the kernel locks', async (t) => {
  const bench = makeRoom(t);
  await (await mustHold(bench, lease)).release();
  const agent = makeRoom(t, { dir: bench.dir });
  await agent.room.settleAll();
  writeFileSync(bench.paths.bit, '0\n');
  await agent.room.lock('aim').touched();
  await until('COLD', () => agent.room.look('aim').state === 'COLD');
  t.match(agent.changes, [{ what: 'released', reclaim: { by: 'conf_locked' } }, { what: 'cold' }]);
});

t.test('refused, it reads 1 again and verdict says why, until somebody else has it', async (t) => {
  const { room, paths, conf, word } = makeRoom(t);
  await room.settleAll();
  const locker = await flockBy(t, conf);
  room.look('aim');
  t.equal(word('verdict'), 'held');
  writeFileSync(paths.bit, '0\n');
  await room.lock('aim').touched();
  await until('an answer', () => readFileSync(paths.verdict, 'utf8').includes('not released'));
  t.equal(word('bit'), '1');
  t.match(word('verdict'), `held: not released, held by pid ${locker.pid} flock, user root`);
  room.look('aim');
  t.match(word('verdict'), 'not released');
  await locker.end();
  await until('COLD', () => room.look('aim').state === 'COLD');
  t.strictSame([word('bit'), word('verdict')], ['0', '']);
});
