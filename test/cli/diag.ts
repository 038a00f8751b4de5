import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { makeAuthority } from '../fixtures/certs.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

/** Every file of a bundle, by its name without the folder. */
function unpack(path: string): Readonly<Record<string, string>> {
  const names = execFileSync('tar', ['--quoting-style=literal', '-tzf', path], { encoding: 'utf8' }).trim().split('\n');
  return Object.fromEntries(
    names.map((name) => [
      name.replace(/^[^/]+\//, ''),
      execFileSync('tar', ['-xOzf', path, name], { encoding: 'utf8' }),
    ]),
  );
}

t.test('everything for support, and none of the secrets that were planted', async (t) => {
  const device = loneDevice(t);
  for (const dir of [device.dir, device.etc]) chmodSync(dir, 0o755);
  const authority = makeAuthority();
  const { cert, key } = authority.issue({ commonName: 'drone-7' });
  const password = join(device.dir, 'password');
  // In JSON a quote and a backslash are spelt in another way.
  const secret = 'planted-"pass\\-1';
  writeFileSync(password, `${secret}\n`, { mode: 0o600 });
  const signing = join(device.dir, 'signing');
  writeFileSync(signing, `${'5e'.repeat(32)}\n`, { mode: 0o600 });
  writeFileSync(join(device.etc, 'aim.conf'), 'hold = 500\napi_key = planted-key-2\n', { mode: 0o644 });
  const settings = JSON.parse(readFileSync(device.settings, 'utf8'));
  settings.broker = {
    ...settings.broker,
    urls: ['mqtts://127.0.0.1:9'],
    ...{ username: 'drone-7', password_file: password, tls: { ca: authority.ca, cert, key } },
  };
  settings.vehicle = { mavlink: { connect: 'tcp://127.0.0.1:9', system: 1, signing_key: signing } };
  settings.configs.aim.vehicle = 'any';
  settings.configs.aim.health = { argv: ['true', '--token', 'planted-argument-8'] };
  writeFileSync(
    device.settings,
    `# mqtt://planted-user-3:planted-pass-4@old:1883\n${JSON.stringify(settings, null, 2)}`,
  );
  // A line of the log that repeats the password, as a careless program would.
  const at = '2026-01-02T03:04:05.006Z error  ';
  const lines = [`login with ${secret} failed`, `key ${'5e'.repeat(32)}`, 'health said: planted-argument-8 is old'];
  writeFileSync(join(device.state, 'log'), lines.map((line) => `${at} ${line}\n`).join(''));
  const applied = device.sign({ version: 1, files: { 'aim.conf': 'planted-content-5\n' } });
  await device.locksmith(['apply', '-'], applied.jws);
  chmodSync(join(device.etc, 'aim.conf'), 0o600);

  const bundle = join(device.dir, 'drone-7.tar.gz');
  const made = await run(['diag', bundle, '--settings', device.settings], {
    env: { LOCKSMITH_SECRET: 'planted-env-6' },
  });
  t.match(made, { code: 0, stdout: /drone-7\.tar\.gz: \d+ files, \d+ KiB; secrets are left out\n$/, stderr: '' });
  t.equal(statSync(bundle).mode & 0o777, 0o600);
  const files = unpack(bundle);
  for (const name of [
    ...['README.txt', 'settings.yaml', 'status.txt', 'status.json', 'locks.txt', 'locks.json', 'locks/aim.txt'],
    ...['history.txt', 'history.json', 'log.txt', 'log.json', 'doctor.txt', 'doctor.json', 'check.txt', 'check.json'],
    ...['configs.json', 'system.json', 'manifest.json'],
  ])
    t.ok(Object.hasOwn(files, name), name);
  const all = Object.values(files).join('\n');
  for (const line of readFileSync(key, 'utf8').split('\n'))
    if (!line.startsWith('-') && line !== '') t.notOk(all.includes(line), 'key');
  t.notMatch(all, /planted-/);
  t.notMatch(all, '5e5e5e');
  for (const name of ['log.txt', 'log.json'])
    t.match(files[name], /login with \*\*\* failed[\s\S]*health said: \*\*\* is old/);
  t.match(files['settings.yaml'], /# mqtt:\/\/\*\*\*@old:1883/);
  t.match(files['settings.yaml'], `"password_file": "${password}"`);
  t.match(JSON.parse(files['status.json'] ?? ''), {
    agent: { state: 'stopped' },
    configs: { aim: { running: { version: 1 } } },
  });
  t.match(JSON.parse(files['configs.json'] ?? ''), [{ config: 'aim', mode: '600', digest: /^sha256:/ }]);
  t.match(JSON.parse(files['manifest.json'] ?? ''), { made: String, files: [{ name: 'README.txt', sha256: String }] });

  t.match(await device.locksmith(['diag', bundle]), { code: 2, stderr: /EEXIST.*\nTry: another name/ });
  const whole = join(device.dir, 'whole.tar.gz');
  t.match(await device.locksmith(['diag', whole, '--contents']), { code: 0 });
  t.match(unpack(whole), { 'contents/aim/aim.conf': 'planted-content-5\n' }, 'root has asked for it');
});

t.test('a device, a config and a file with names as long as they can be', async (t) => {
  const [config, file] = ['c'.repeat(64), `${'ä'.repeat(100)}.conf`];
  const device = loneDevice(t, { id: 'd'.repeat(64), configs: { [config]: { [file]: 'x\n' } } });
  const bundle = join(device.dir, 'a.tar.gz');
  t.match(await device.locksmith(['diag', bundle, '--contents']), { code: 0, stderr: '' });
  const files = unpack(bundle);
  t.ok(files[`locks/${config}.txt`]);
  t.match(Object.keys(files).join('\n'), /^contents\/c{64}\/ä+~[0-9a-f]{12}$/m);
});

t.test('with settings that are wrong, or none, there is still a bundle', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-diag-'));
  const settings = join(dir, 'agent.yaml');
  const password = join(dir, 'password');
  writeFileSync(password, 'planted-word\n');
  // One who has mistaken the key for the file, and says the secret in the name of the other.
  const broker = `{ password: planted-7, password_file: ${password}, planted-word: 1 }`;
  writeFileSync(settings, `device: { id: x }\nbroker: ${broker}\n`);
  const bundle = join(dir, 'a.tar.gz');
  t.match(await run(['diag', bundle, '--settings', settings]), { code: 0 });
  const files = unpack(bundle);
  t.match(files['settings.yaml'], /^# These settings are wrong: see check\.txt\./);
  t.match(files['check.txt'], /agent\.yaml:\d+:\d+: /);
  t.notMatch(Object.values(files).join('\n'), /planted-/);
  const none = await run(['diag', join(dir, 'b.tar.gz'), '--settings', '/nowhere']);
  t.match(none, { code: 0, stderr: 'not in it: /nowhere: cannot be read\n' });
  t.match(await run(['diag', '/nowhere/x.tar.gz', '--settings', settings]), {
    code: 1,
    stderr: /ENOENT.*\nTry: a directory/,
  });
  t.match(await run(['diag', '/dev/full', '--settings', settings]), { code: 2 });
});

t.test('without root: what may be read, and a word about the rest', async (t) => {
  if (process.getuid?.() !== 0) {
    t.pass('not root: nobody else to be');
    return;
  }
  const device = loneDevice(t);
  for (const dir of [device.dir, device.etc, device.run]) chmodSync(dir, 0o755);
  chmodSync(device.settings, 0o644);
  chmodSync(device.state, 0o750);
  chmodSync(join(device.etc, 'aim.conf'), 0o600);
  const out = mkdtempSync(join(tmpdir(), 'locksmith-diag-'));
  chmodSync(out, 0o777);
  const under = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
  const bundle = join(out, 'a.tar.gz');
  const program = start(['diag', bundle, '--settings', device.settings], { under });
  t.match(await program.ended, { code: 0 }, program.stderr());
  t.match(program.stderr(), /not in it: \S+aim\.conf: EACCES/);
  t.match(program.stderr(), 'Root would add what only root may read.');
  t.match(unpack(bundle)['log.txt'], 'no-permission');
  const refused = start(['diag', join(out, 'b.tar.gz'), '--contents', '--settings', device.settings], { under });
  t.match(await refused.ended, { code: 3 });
  t.notOk(existsSync(join(out, 'b.tar.gz')));
});
