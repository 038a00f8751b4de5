import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { flockBy } from '../fixtures/lock-holders.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { type LoneDevice, loneDevice } from '../fixtures/lone-device.ts';
import { until } from '../fixtures/until.ts';

// A hold is the kernel's and the record's, not the agent's: it outlives every end of the agent.

const OLD = { 'aim.conf': 'hold = 500\n' };
const locks = async (device: LoneDevice) => JSON.parse((await device.locksmith(['locks', 'aim', '--json'])).stdout);

function writeUpdate(device: LoneDevice): string {
  const path = join(device.dir, 'update.jws');
  writeFileSync(path, device.sign({ version: 1, files: { 'aim.conf': 'hold = 800\n' } }).jws);
  return path;
}

/** Waits until a daemon has looked at the locks. */
const looked = (device: LoneDevice) =>
  until('the control surface', () => existsSync(join(device.run, 'locks', 'aim', 'conf_locked')));

for (const kind of ['command', 'lease'] as const) {
  t.test(
    `a hold (${kind}) taken before the agent stops, restarts or is replaced still excludes after it`,
    async (t) => {
      const device = loneDevice(t);
      const first = await device.daemon();
      await looked(device);
      const argv = ['hold', 'aim', '--for', '1h', '--reason', 'survey', '--settings', device.settings];
      const command = kind === 'command' ? ['--', 'sh', '-c', 'echo ready; exec sleep 1000'] : [];
      const hold = start([...argv, ...command]);
      t.teardown(() => hold.stop('SIGKILL'));
      await (kind === 'command' ? hold.line('ready') : hold.ended);
      const excludes = async (when: string) => {
        t.match(await locks(device), { state: 'HOT', verdict: 'held', reason: 'survey', token: 1 }, when);
        t.equal((await device.locksmith(['hold', 'aim', '--', 'true'])).code, 3, `${when}: not given`);
        t.match(device.contents(), OLD, when);
      };
      t.equal((await device.locksmith(['apply', writeUpdate(device)])).code, 3);
      await excludes('beside the agent');
      await first.stop('SIGTERM');
      await excludes('after it was stopped');
      const second = await device.daemon();
      await excludes('after it was started again');
      await second.stop('SIGKILL');
      await excludes('after it was killed');
      const third = await device.daemon();
      t.match(JSON.parse((await device.locksmith(['status', '--json'])).stdout).locks.aim, { state: 'HOT' });
      await excludes('after it was replaced');
      t.notMatch(third.stderr(), /reclaimed/);
      if (kind === 'command') await hold.stop('SIGTERM');
      else t.equal((await device.locksmith(['release', 'aim', '--yes', '--reason', 'done'])).code, 0);
      await until('applied', () => device.contents()['aim.conf'] === 'hold = 800\n', 60_000);
      await third.stop();
    },
  );
}

const notRoot = process.getuid?.() === 0 ? false : 'needs root, to be somebody else as well';

t.test("an unprivileged user's flock on a world-readable config blocks no update", { skip: notRoot }, async (t) => {
  const device = loneDevice(t);
  chmodSync(device.dir, 0o755);
  const agent = await device.daemon();
  await looked(device);
  const conf = join(device.etc, 'aim.conf');
  const locker = await flockBy(t, conf, 'nobody');
  t.match(await locks(device), { state: 'COLD', unprivileged: [{ user: 'nobody', pid: locker.pid }] });
  const { stdout } = await run(['locks', 'aim', '--settings', device.settings]);
  t.match(
    stdout.replace(/\s+/g, ' '),
    new RegExp(`Pid ${locker.pid} flock, user nobody\\b.* ha(s|ve) locked the config file itself`),
  );
  t.match(await device.locksmith(['apply', writeUpdate(device)]), { code: 0 });
  t.equal(readFileSync(conf, 'utf8'), 'hold = 800\n');
  await agent.stop();
});
