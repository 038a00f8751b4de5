import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { flockBy } from '../fixtures/lock-holders.ts';
import { start } from '../fixtures/locksmith.ts';
import { type LoneDevice, loneDevice } from '../fixtures/lone-device.ts';
import { withoutTmpfs } from '../fixtures/namespaces.ts';
import { until } from '../fixtures/until.ts';

// paths.run on a file system of its own that is full, or read-only: what cannot be written down is not done, and heals by itself.

const mount = (...args: readonly string[]) => spawnSync('mount', args, { encoding: 'utf8' });

const without = withoutTmpfs();

/** A device whose run directory is a small tmpfs. */
function deviceOnTmpfs(owner: Parameters<typeof loneDevice>[0]): LoneDevice {
  const device = loneDevice(owner);
  mkdirSync(device.run, { recursive: true });
  const { status, stderr } = mount('-t', 'tmpfs', '-o', 'size=256k,mode=755', 'locksmith-test', device.run);
  if (status !== 0) throw new Error(stderr);
  owner.teardown(() => spawnSync('umount', ['--lazy', device.run]));
  return device;
}

const filler = (device: LoneDevice) => join(device.run, 'filler');

function fill(device: LoneDevice): void {
  spawnSync('dd', ['if=/dev/zero', `of=${filler(device)}`, 'bs=4k']);
  if (statfsSync(device.run).bavail !== 0) throw new Error('it is not full');
}

const lockFile = (device: LoneDevice, file: string) => join(device.run, 'locks', 'aim', file);
const locks = async (device: LoneDevice) => JSON.parse((await device.locksmith(['locks', 'aim', '--json'])).stdout);

function writeUpdate(device: LoneDevice): string {
  const path = join(device.dir, 'update.jws');
  writeFileSync(path, device.sign({ version: 1, files: { 'aim.conf': 'hold = 800\n' } }).jws);
  return path;
}

/** A hold that has its command on record. */
async function longHold(owner: Parameters<typeof loneDevice>[0], device: LoneDevice) {
  const script = 'echo "ready $$"; exec sleep 1000';
  const hold = start(['hold', 'aim', '--settings', device.settings, '--', 'sh', '-c', script]);
  owner.teardown(() => hold.stop('SIGKILL'));
  const pid = (await hold.line('ready')).split(' ')[1];
  const holder = lockFile(device, 'holder');
  return { hold, named: () => until('it is on record', () => readFileSync(holder, 'utf8').startsWith(`pid ${pid} `)) };
}

t.test('a run directory that is full', { skip: without }, async (t) => {
  const device = deviceOnTmpfs(t);
  const agent = await device.daemon();
  await until('the control surface', () => existsSync(lockFile(device, 'conf_locked')));

  // Somebody has taken the lock before, and ends while nothing can be written down.
  const { hold, named } = await longHold(t, device);
  await named();
  fill(device);
  t.match(await locks(device), { state: 'HOT', verdict: 'held' });
  const applied = await device.locksmith(['apply', writeUpdate(device)]);
  t.equal(applied.code, 3, `${applied.stdout}${applied.stderr}`);
  t.match(applied.stdout, /lock mismatch: aim\.conf HOT \(held by pid \d+/);
  await hold.stop('SIGTERM');

  // The kernel locks need no room: a stranger's are honoured meanwhile.
  const stranger = await flockBy(t, lockFile(device, 'lock'));
  t.equal((await device.locksmith(['hold', 'aim', '--', 'true'])).code, 3);
  await stranger.end();
  const barred = await device.locksmith(['hold', 'aim', '--', 'touch', join(device.dir, 'ran')]);
  t.match(barred.stderr, /ENOSPC|no space|full/i, 'what cannot be written down is not given');
  t.equal(barred.code, 1);
  t.notOk(existsSync(join(device.dir, 'ran')), 'and nothing runs');
  t.match(device.contents(), { 'aim.conf': 'hold = 500\n' }, 'nothing is replaced without the lock on record');

  rmSync(filler(device));
  await until(
    () => `applied by itself\n${agent.stderr()}`,
    () => device.contents()['aim.conf'] === 'hold = 800\n',
    60_000,
  );
  await until('COLD, and shown so', () => readFileSync(lockFile(device, 'conf_locked'), 'utf8') === '0\n');
  const after = await locks(device);
  t.match(after, { state: 'COLD' });
  t.ok(after.token >= 3, `the hold was reclaimed, and no token used twice: ${after.token}`);
  t.equal((await device.locksmith(['hold', 'aim', '--', 'true'])).code, 0);
  t.equal(agent.child.exitCode, null, 'the agent lived through it');
  await agent.stop();
});

t.test('a command under hold keeps its lock if its name cannot be written down', { skip: without }, async (t) => {
  const device = deviceOnTmpfs(t);
  t.equal((await device.locksmith(['hold', 'aim', '--', 'true'])).code, 0);
  // Full from when the lock is taken, which is before the command is named.
  const fillWhenHot = [
    'import sys',
    'while open(sys.argv[1]).read() != "HOT\\n": pass',
    'out = open(sys.argv[2], "wb", 0)',
    'while out.write(bytes(65536)): pass',
  ].join('\n');
  const files = [lockFile(device, 'state'), filler(device)];
  const filling = spawn('python3', ['-c', fillWhenHot, ...files], { stdio: ['ignore', 'ignore', 'ignore'] });
  const filled = once(filling, 'exit');
  const argv = ['hold', 'aim', '--settings', device.settings, '--', 'sh', '-c', 'echo ready; exec sleep 1000'];
  const hold = start(argv);
  t.teardown(() => hold.stop('SIGKILL'));
  await hold.line('ready');
  await filled;
  t.comment(hold.stderr());
  t.match(await locks(device), { state: 'HOT', verdict: 'held' });
  t.equal((await device.locksmith(['hold', 'aim', '--', 'true'])).code, 3);
  rmSync(filler(device));
  await hold.stop('SIGTERM');
  t.match(await locks(device), { state: 'COLD' });
});

t.test('a run directory that is read-only', { skip: without }, async (t) => {
  const device = deviceOnTmpfs(t);
  t.equal((await device.locksmith(['hold', 'aim', '--', 'true'])).code, 0);
  const readOnly = mount('-o', 'remount,ro', device.run);
  t.equal(readOnly.status, 0, readOnly.stderr);
  for (const argv of [
    ['hold', 'aim', '--', 'touch', join(device.dir, 'ran')],
    ['apply', writeUpdate(device)],
  ]) {
    const { code, stderr, stdout } = await device.locksmith(argv);
    t.not(code, 0, `${argv[0]}: ${stdout}${stderr}`);
    t.match(`${stdout}${stderr}`, /read-only|EROFS/i, `${argv[0]} says why`);
  }
  t.notOk(existsSync(join(device.dir, 'ran')), 'nothing runs without the lock');
  t.match(device.contents(), { 'aim.conf': 'hold = 500\n' }, 'and nothing is replaced');
  t.match(await device.locksmith(['locks', 'aim']), { code: 0, stdout: /COLD/ }, 'a look needs nothing written');
  t.equal((await device.locksmith(['release', 'aim', '--yes', '--reason', 'test'])).code, 4, 'nothing to release');
  t.equal(mount('-o', 'remount,rw', device.run).status, 0);
  const agent = await device.daemon();
  await device.locksmith(['apply', join(device.dir, 'update.jws')]);
  await until('applied', () => device.contents()['aim.conf'] === 'hold = 800\n', 60_000);
  t.match(await locks(device), { state: 'COLD', token: 2 });
  await agent.stop();
});
