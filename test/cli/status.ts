import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { flockBy } from '../fixtures/lock-holders.ts';
import { LOCKSMITH, start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('before the first start, with the daemon running, and with it dead', async (t) => {
  const device = loneDevice(t, { heartbeatS: 0.2 });
  const never = await device.locksmith(['status']);
  t.equal(never.code, 0);
  t.match(never.stdout, /^agent {4}not running; last sign of life never\nconfig {3}aim: nothing known yet\n/);

  const agent = await device.daemon();
  await device.locksmith(['apply', '-'], device.sign({ version: 4, files: { 'aim.conf': 'one\n' } }).jws);
  const running = await device.locksmith(['status']);
  t.match(running.stdout, new RegExp(`^agent    running \\d\\S+, pid ${agent.pid}, since \\d{4}-`));
  t.match(running.stdout, /^link {5}\S.*, since /m);
  t.match(
    running.stdout,
    /^config {3}aim: base version 4 for grp\/canary, since .* ago\n {2}lock {3}aim\.conf COLD\n/m,
  );

  const json = JSON.parse((await device.locksmith(['status', '--json'])).stdout);
  t.same(Object.keys(json).sort(), ['agent', 'configs', 'hidden', 'link', 'locks', 'vehicle']);
  t.match(json, {
    agent: { state: 'running', version: String, pid: agent.pid, since: String, last_sign: String },
    link: { connected: false, words: String },
    configs: { aim: { running: { version: 4, layer: 'base' }, pending: null, drift: null, seq: Number } },
    locks: { aim: { state: 'COLD', verdict: null, holder: null, file: 'aim.conf', token: 1 } },
  });

  await agent.stop('SIGKILL');
  const dead = await device.locksmith(['status']);
  t.match(dead.stdout, /^agent {4}not running; last sign of life \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, \d+ s ago\n/);
  t.notMatch(dead.stdout, /^link/m, 'a dead agent has no link to speak of');
  t.match(dead.stdout, 'base version 4');
});

t.test('what waits, and for whom', async (t) => {
  const device = loneDevice(t);
  await device.locksmith(['apply', '-'], device.sign({ version: 1, files: { 'aim.conf': 'one\n' } }).jws);
  const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  await device.locksmith(['apply', '-'], device.sign({ version: 2, files: { 'aim.conf': 'two\n' } }).jws);
  const { stdout } = await device.locksmith(['status']);
  t.match(stdout, 'waits  version 2, for lock; it is applied by itself');
  t.match(stdout, new RegExp(`lock   aim\\.conf HOT \\(held by pid ${holder.pid} flock`));
  t.match(stdout, 'try    locksmith locks aim');
});

t.test('somebody who is not root sees what he may, and is told what he may not', async (t) => {
  if (process.getuid?.() !== 0) {
    t.pass('not root: nobody else to be');
    return;
  }
  const device = loneDevice(t);
  for (const dir of [device.dir, device.run]) chmodSync(dir, 0o755);
  chmodSync(device.state, 0o750);
  chmodSync(device.settings, 0o644);
  const agent = await device.daemon();
  const as = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
  const program = start(['status', '--settings', device.settings], { under: as });
  const { code } = await program.ended;
  t.equal(code, 0, program.stderr());
  t.match(program.stdout(), /^agent {4}(running|not known without root)/, LOCKSMITH);
  t.match(program.stdout(), 'not seen without root: ');
  await agent.stop();
});
