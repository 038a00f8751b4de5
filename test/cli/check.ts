import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { command } from '../../agent/cli/check.ts';
import { makeAuthority } from '../fixtures/certs.ts';
import { runCommand } from '../fixtures/command.ts';
import { opensslKey, opensslKeys } from '../fixtures/openssl.ts';

/** A device whose settings and everything they name are right. */
function device(owner: { teardown(fn: () => void): void }, extra = '') {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-check-'));
  owner.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const at = (name: string) => join(dir, name);
  mkdirSync(at('aim'));
  writeFileSync(at('aim/aim.conf'), '{}');
  writeFileSync(at('schema.json'), '{"type":"object"}');
  writeFileSync(at('keys.json'), opensslKeys(opensslKey(at('made'))));
  const write = (edit: (text: string) => string = (text) => text) => {
    const text = `device: { id: d7 }
broker: { urls: ["mqtt://h"]${extra} }
trust: { keys: ${at('keys.json')} }
paths: { state: ${at('state')}, run: ${at('run')} }
configs:
  aim:
    files:
      - path: ${at('aim/aim.conf')}
        format: json
        schema: ${at('schema.json')}
`;
    writeFileSync(at('agent.yaml'), edit(text));
  };
  write();
  return { at, write, check: (...argv: string[]) => runCommand(command, ['--settings', at('agent.yaml'), ...argv]) };
}

t.test('all right', async (t) => {
  const { check } = device(t);
  t.match(await check(), { code: 0, err: '', out: /all right: device d7, configs aim, keys by-openssl\n$/ });
  t.match(JSON.parse((await check('--json')).out), {
    ok: true,
    device: 'd7',
    configs: ['aim'],
    keys: ['by-openssl'],
    problems: [],
  });
});

t.test('settings: each problem a line with its place', async (t) => {
  const { write, check, at } = device(t);
  write((text) => text.replace('d7', '7').replace('format: json', 'format: jsn'));
  const ran = await check();
  t.equal(ran.code, 2);
  t.match(ran.out, `${at('agent.yaml')}:1:15: device.id: expected a string, found 7\n`);
  t.match(ran.out, `${at('agent.yaml')}:9:17: configs.aim.files[0].format: `);
  t.match(ran.err, /2 things are wrong\nTry: /);
  t.match(JSON.parse((await check('--json')).out), { ok: false, problems: [{ line: 1, column: 15 }, { line: 9 }] });
  write((text) => `${text}vehicle: { mavlink: { serial: /dev/ttyNONE, system: 1, signing_key: /nowhere/key } }\n`);
  const none = await check();
  t.match(none.out, /:11:\d+: vehicle\.mavlink\.serial: .*ENOENT/);
  t.match(none.out, /:11:\d+: vehicle\.mavlink\.signing_key: \/nowhere\/key: there is no such file/);
  write((text) => `${text}vehicle: { gpsd: true }\n`);
  t.match(await check(), { code: 2, out: /:11:18: vehicle\.gpsd: expected a mapping, found true/ });
  t.match(await runCommand(command, ['--settings', at('gone.yaml')]), {
    code: 2,
    err: /there is no such settings file/,
  });
  t.match(await runCommand(command, ['stray']), { code: 2 });
});

t.test('what the settings name', async (t) => {
  const { write, check, at } = device(t);
  const says = async (pattern: RegExp, what: string) => t.match(await check(), { code: 2, out: pattern }, what);

  writeFileSync(at('schema.json'), '{"type":"objekt"}');
  await says(/:10:17: configs\.aim\.files\[0\]\.schema: .*schema\.json: cannot be used: /, 'a schema that is none');
  rmSync(at('schema.json'));
  await says(/schema\.json: there is no such file/, 'a schema that is not there');
  writeFileSync(at('schema.json'), '{}');

  writeFileSync(at('keys.json'), '{"keys":[]}');
  await says(/:3:16: trust\.keys: .*keys\.json: keys: no key in it/, 'no keys');
  rmSync(at('keys.json'));
  await says(/trust\.keys: .*there is no such file/, 'no key file');
  writeFileSync(at('keys.json'), opensslKeys(opensslKey(at('made'))));
  chmodSync(at('keys.json'), 0o666);
  await says(/keys\.json: can be written by everybody/, 'keys that anybody can change');
  chmodSync(at('keys.json'), 0o644);
  chmodSync(at('agent.yaml'), 0o666);
  await says(/agent\.yaml: can be written by everybody/, 'settings that anybody can change');
  chmodSync(at('agent.yaml'), 0o644);

  chmodSync(at('aim'), 0o777);
  await says(
    /:8:15: configs\.aim\.files\[0\]\.path: .*aim: can be written by others \(unsafe-path\)/,
    'unsafe directory',
  );
  chmodSync(at('aim'), 0o755);
  symlinkSync(at('keys.json'), at('aim/link.conf'));
  write((text) => text.replace('aim/aim.conf', 'aim/link.conf'));
  await says(/is a symlink/, 'a symlink without follow');
  write((text) => text.replace('aim/aim.conf', 'aim/link.conf\n        follow: true'));
  await says(/leads there: a config cannot hold the keys that Locksmith trusts/, 'a symlink to the keys');
  write((text) => text.replace('aim/aim.conf', 'gone/aim.conf'));
  await says(/\(missing-directory\)/, 'no directory');
  write();
  t.match(await check(), { code: 0 }, 'all mended');
});

t.test('what the link needs', async (t) => {
  const { issue, ca } = makeAuthority();
  const [own, other] = [issue({ commonName: 'd7' }), issue({ commonName: 'd8' })];
  const tls = (key: string) => `, tls: { ca: ${ca}, cert: ${own.cert}, key: ${key} }`;
  const { write, check, at } = device(t, `, username: u, password_file: PW${tls('KEY')}`);
  const set = (pw: string, key: string) =>
    write((text) => text.replace('mqtt:', 'mqtts:').replace('PW', pw).replace('KEY', key));
  writeFileSync(at('pw'), 'secret\n', { mode: 0o600 });
  chmodSync(own.key, 0o600);
  set(at('pw'), own.key);
  t.match(await check(), { code: 0 });
  set(at('pw'), other.key);
  t.match(await check(), { code: 2, out: /broker\.tls\.cert: does not belong to broker\.tls\.key/ });
  set(at('nopw'), own.key);
  t.match(await check(), { code: 2, out: /broker\.password_file: .*nopw: there is no such file/ });
  chmodSync(at('pw'), 0o644);
  set(at('pw'), own.key);
  t.match(await check(), { code: 2, out: /pw: can be read or written by everybody/ });
  chmodSync(at('pw'), 0o600);
  writeFileSync(at('no.pem'), 'nothing');
  set(at('pw'), at('no.pem'));
  t.match(await check(), { code: 2, out: /broker\.tls\.key: / });
});

t.test('a file that cannot be replaced', async (t) => {
  if (process.geteuid?.() !== 0) return t.comment('not root: no file can be made immutable');
  const { at, check } = device(t);
  execFileSync('chattr', ['+i', at('aim/aim.conf')]);
  t.teardown(() => execFileSync('chattr', ['-i', at('aim/aim.conf')]));
  const { code, out } = await check();
  t.equal(code, 2);
  t.match(out, /aim\.conf: is immutable or append-only .*\(no-permission\)/);
});
