import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { explainLock } from '../../agent/lock/explain.ts';
import { flockBy, leakBy, lockfBy, runLocker } from '../fixtures/lock-holders.ts';
import { makeRoom } from '../fixtures/lock-room.ts';
import { makeDevice } from '../fixtures/lock-settings.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { IN_PID_NAMESPACE, withoutNamespaces } from '../fixtures/namespaces.ts';
import { until } from '../fixtures/until.ts';

// Holders that are hard to see: in another pid namespace, with nobody but a child left, with no process at all.

/** Locked by a descriptor that no process has: it lies in a socket, sent and never received. */
const IN_FLIGHT = `
import array, fcntl, os, socket, sys, time
here, there = socket.socketpair()
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(file, fcntl.LOCK_EX)
here.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))])
os.close(file)
print("ready", flush=True)
sys.stdin.readline()
data, control, flags, address = there.recvmsg(1, socket.CMSG_SPACE(4))
print("received", flush=True)
time.sleep(1000)
`;

t.test('a descriptor left to a child: the parent is dead, the child is named, and COLD when it ends', async (t) => {
  for (const where of ['sidecar', 'file']) {
    const { room, paths, conf } = makeRoom(t);
    await room.settleAll();
    const locker = await leakBy(t, where === 'file' ? conf : paths.sidecar);
    const child = Number(locker.said);
    const lock = room.look('aim');
    t.match(lock, { state: 'HOT', verdict: 'orphaned', holder: { pid: child, command: 'sleep' } }, where);
    const by = lock.leaked_by ?? 0;
    t.not(by, child);
    t.throws(() => process.kill(by, 0), { code: 'ESRCH' }, 'who took it is gone');
    t.match(explainLock('aim', lock, null, true), { explanation: new RegExp(`^Pid ${by} took the lock and is gone`) });
    t.match(explainLock('aim', lock, null, true), { remedy: new RegExp(`kill ${child}`) });
    process.kill(child, 'SIGKILL');
    await until('COLD', () => room.look('aim').state === 'COLD');
  }
});

t.test(
  'a descriptor in flight between two processes: unseen, never called dead, and named when it arrives',
  async (t) => {
    const { room, paths } = makeRoom(t);
    await room.settleAll();
    const child = spawn('python3', ['-c', IN_FLIGHT, paths.sidecar], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.teardown(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const lock = room.look('aim');
    t.match(lock, { state: 'HOT', verdict: 'unseen', holder: null, token: 0 });
    t.match(explainLock('aim', lock, null, true), { explanation: /on its way between two processes/ });
    for (let looks = 0; looks < 5; looks += 1) await room.settleAll();
    t.match(room.states(), { aim: { state: 'HOT', verdict: 'unseen', token: 0 } }, 'however often it is settled');
    const arrives = once(child.stdout, 'data');
    child.stdin.write('\n');
    await arrives;
    t.match(room.look('aim'), { state: 'HOT', verdict: 'held', holder: { pid: child.pid } });
    child.kill('SIGKILL');
    await until('COLD', () => room.look('aim').state === 'COLD');
  },
);

t.test('a holder in a pid namespace of its own', { skip: withoutNamespaces() }, async (t) => {
  await t.test('is found from outside, whoever it is in there', async (t) => {
    for (const where of ['sidecar', 'file']) {
      const { room, paths, conf } = makeRoom(t);
      await room.settleAll();
      const path = where === 'file' ? conf : paths.sidecar;
      const argv = [...IN_PID_NAMESPACE, 'flock', path, 'sh', '-c', 'echo ready $$; exec sleep 1000'];
      const locker = await runLocker(t, argv);
      t.ok(Number(locker.said) < 10, 'a small pid in there');
      const { verdict, holder } = room.look('aim');
      t.equal(verdict, 'held', where);
      t.equal(holder?.command, 'flock', 'its pid out here');
      t.ok(holder !== null && holder.pid > 10);
      await locker.end();
      await until('COLD', () => room.look('aim').state === 'COLD');
    }
  });

  await t.test(
    'that took it with hold: the pid it wrote down means nothing here, so it is not called dead',
    async (t) => {
      const { settings, lockDir } = makeDevice(t);
      const argv = ['hold', 'aim', '--settings', settings, '--', 'sh', '-c', 'echo ready $$; exec sleep 1000'];
      const hold = start(argv, { under: IN_PID_NAMESPACE });
      t.teardown(() => hold.stop('SIGKILL'));
      const inside = Number((await hold.line('ready')).split(' ')[1]);
      await until('the command on record', () =>
        readFileSync(join(lockDir, 'holder'), 'utf8').includes(`pid ${inside} `),
      );
      const seen = JSON.parse((await run(['locks', 'aim', '--json', '--settings', settings])).stdout);
      t.equal(seen.state, 'HOT');
      t.match(seen.verdict, /^(held|unseen)$/);
      t.equal((await run(['hold', 'aim', '--settings', settings, '--', 'true'])).code, 3);
      const released = await run(['release', 'aim', '--yes', '--reason', 'test', '--settings', settings]);
      t.equal(released.code, 3, 'and is not released');
      await hold.stop('SIGKILL');
      const after = await run(['hold', 'aim', '--wait', '10s', '--settings', settings, '--', 'true']);
      t.equal(after.code, 0, 'reclaimed when its whole namespace is gone');
    },
  );
});

t.test('our own program in a pid namespace of its own', { skip: withoutNamespaces() }, async (t) => {
  const { settings, lockDir, conf } = makeDevice(t);
  const sidecar = join(lockDir, 'lock');
  const inside = async (argv: readonly string[]) =>
    run([...argv.slice(0, 2), '--settings', settings, ...argv.slice(2)], { under: IN_PID_NAMESPACE });
  t.match(await inside(['hold', 'aim', '--', 'true']), { code: 0 }, 'takes and gives the lock');

  for (const by of [flockBy, lockfBy, leakBy]) {
    for (const path of [sidecar, conf]) {
      const locker = await by(t, path);
      const seen = JSON.parse((await inside(['locks', 'aim', '--json'])).stdout);
      t.match(seen, { state: 'HOT', verdict: 'unseen', holder: null }, `${by.name} on ${path}: cannot be seen`);
      t.match(seen.explanation, /another pid namespace/);
      const refused = await inside(['hold', 'aim', '--', 'true']);
      t.equal(refused.code, 3);
      await locker.end();
      t.equal((await inside(['hold', 'aim', '--wait', '10s', '--', 'true'])).code, 0, 'free again');
    }
  }

  const hold = start(['hold', 'aim', '--settings', settings, '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
  t.teardown(() => hold.stop('SIGKILL'));
  await hold.line('ready');
  const seen = JSON.parse((await inside(['locks', 'aim', '--json'])).stdout);
  t.match(seen, { state: 'HOT', verdict: /^(held|unseen)$/ }, 'on record out here, but no pid of ours');
  t.equal((await inside(['hold', 'aim', '--', 'true'])).code, 3);
  await hold.stop('SIGKILL');
});
