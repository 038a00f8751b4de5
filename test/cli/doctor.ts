import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeAuthority } from '../fixtures/certs.ts';
import { leakBy } from '../fixtures/lock-holders.ts';
import { start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

const NAMES = ['settings', 'agent', 'clock', 'disk', 'unit', 'keys', 'tls', 'broker', 'paths', 'locks', 'vehicle'];

t.test('every check of a good device, for people and for machines', async (t) => {
  const device = loneDevice(t);
  const dead = await device.locksmith(['doctor']);
  t.equal(dead.code, 1, 'an agent that does not run is bad');
  t.match(dead.stdout, /^bad {6}agent: not running; last beat never\n {2}try {4}locksmith log/m);
  const agent = await device.daemon();
  const { code, stdout } = await device.locksmith(['doctor']);
  t.equal(code, 0, stdout);
  for (const name of NAMES) t.match(stdout, new RegExp(`^(ok|warning) +${name}: `, 'm'));
  for (const line of (stdout + dead.stdout).split('\n')) t.ok(line.length <= 80 || !line.trim().includes(' '), line);
  const json = JSON.parse((await device.locksmith(['doctor', '--json'])).stdout);
  t.equal(json.ok, true);
  t.same(
    json.checks.map(({ name }: { name: string }) => name),
    NAMES,
  );
  t.match(json.checks[0], { name: 'settings', health: 'ok', remarks: [{ health: 'ok', words: String, remedy: null }] });
  const two = await device.locksmith(['doctor', 'clock', 'keys']);
  t.match(two.stdout, /^ok {7}clock: [^\n]*\n(?: .*\n)*ok {7}keys: 1 known: by-openssl\n$/);
  t.match(await device.locksmith(['doctor', 'clok']), { code: 4, stderr: /no check 'clok'\nTry: one of: settings/ });

  agent.child.kill('SIGSTOP');
  t.match(
    (await device.locksmith(['doctor', 'agent'])).stdout,
    /^(ok|bad) /,
    'a daemon that stands still keeps nobody',
  );
  agent.child.kill('SIGCONT');
  await agent.stop();
});

t.test('what is wrong, each with what to do', async (t) => {
  const device = loneDevice(t);
  const bad = await device.locksmith(['doctor', 'keys', 'paths', 'tls', 'locks']);
  t.equal(bad.code, 0);
  writeFileSync(join(device.dir, 'keys.json'), '{');
  chmodSync(device.etc, 0o777);
  await leakBy(t, join(device.run, 'locks', 'aim', 'lock'));
  const authority = makeAuthority();
  const { cert, key } = authority.issue({ commonName: 'drone-7', toS: 86_400 });
  const settings = JSON.parse(readFileSync(device.settings, 'utf8'));
  settings.broker = { urls: ['mqtts://127.0.0.1:9'], tls: { ca: authority.ca, cert, key } };
  writeFileSync(device.settings, JSON.stringify(settings));
  const { code, stdout } = await device.locksmith(['doctor', 'keys', 'paths', 'tls', 'locks']);
  t.equal(code, 1);
  t.match(stdout, /^bad {6}keys: trust\.keys: /m);
  t.match(stdout, /^bad {6}paths: configs\.aim\.files\[0\]\.path: [\s\S]*?\n {2}try {4}\S/m);
  t.match(stdout, /^warning {2}tls: \S+: valid until \d{4}-\d\d-\d\d\n {2}try {4}Renew it/m);
  t.match(stdout, /^warning {2}locks: aim\.conf HOT \(orphaned: [\s\S]*?\n {2}try {4}Find out whether pid/m);

  writeFileSync(device.settings, '{ device: 1 }');
  const wrong = await device.locksmith(['doctor']);
  t.match(wrong, { code: 2, stdout: /^bad {6}settings: \S+:1:\d+: / });
  t.match(await device.locksmith(['doctor', '--settings', '/nowhere']), { code: 2, stdout: /no such settings file/ });
});

t.test('without root: what only root could look at is said to be unknown', async (t) => {
  if (process.getuid?.() !== 0) {
    t.pass('not root: nobody else to be');
    return;
  }
  const device = loneDevice(t);
  for (const dir of [device.dir, device.run]) chmodSync(dir, 0o755);
  chmodSync(device.state, 0o750);
  chmodSync(device.settings, 0o644);
  chmodSync(join(device.dir, 'keys.json'), 0o600);
  const agent = await device.daemon();
  const as = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
  const program = start(['doctor', '--settings', device.settings], { under: as });
  t.match(await program.ended, { code: 0 }, program.stdout());
  t.match(program.stdout(), /^unknown {2}keys: [\s\S]*?\n {2}try {4}the same as root/m);
  await agent.stop();
});
