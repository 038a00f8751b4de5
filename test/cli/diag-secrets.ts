import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { knownSecrets, secretsNamedIn } from '../../agent/cli/diag-secrets.ts';
import { readSettings } from '../../agent/settings.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('the password, the lines of the key, what stands in an address', async (t) => {
  const device = loneDevice(t);
  const [password, key] = [join(device.dir, 'password'), join(device.dir, 'key.pem')];
  writeFileSync(password, 'hunter2\r\n');
  writeFileSync(key, '-----BEGIN PRIVATE KEY-----\nMC4CAQ\nabc\n-----END PRIVATE KEY-----\n');
  const settings = readSettings(device.settings);
  const broker = {
    ...settings.broker,
    urls: ['mqtt://jo:s3cret@h', 'mqtt://h'],
    password_file: password,
    tls: { key },
  };
  t.same(knownSecrets({ ...settings, broker }), ['hunter2', 'MC4CAQ', 'abc', 'jo:s3cret', 's3cret']);
  t.same(knownSecrets({ ...settings, broker: { ...broker, password_file: '/nowhere', tls: {}, urls: [] } }), []);
});

t.test('what is behind an argument that says so, and the key that signs MAVLink', async (t) => {
  const device = loneDevice(t);
  const [hex, raw] = [join(device.dir, 'hex'), join(device.dir, 'raw')];
  writeFileSync(hex, `${'0a'.repeat(32)}\n`);
  writeFileSync(raw, Buffer.alloc(32, 11));
  const settings = JSON.parse(readFileSync(device.settings, 'utf8'));
  settings.configs.aim.check = { argv: ['aim-check', '--token', 'argument-1', '--strict', '{staged}'] };
  settings.configs.aim.reload = { argv: ['aim', '--api-key=argument-2', '-v', '--token'] };
  for (const [path, key] of [
    [hex, '0a'.repeat(32)],
    [raw, '0b'.repeat(32)],
  ]) {
    settings.vehicle = { mavlink: { connect: 'tcp://127.0.0.1:9', system: 1, signing_key: path } };
    writeFileSync(device.settings, JSON.stringify(settings));
    t.same(knownSecrets(readSettings(device.settings)), [key, 'argument-1', 'argument-2']);
  }
});

t.test('of settings that are wrong, what they seem to name', async (t) => {
  const device = loneDevice(t);
  const at = (name: string) => join(device.dir, name);
  writeFileSync(at('password'), 'hunter2\n');
  writeFileSync(at('key.pem'), '-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n');
  writeFileSync(at('signing'), Buffer.alloc(32, 11));
  const text = [
    `broker: { urls: ["mqtt://jo:s%22cret@h"], password_file: ${at('password')}, tls: { key: "${at('key.pem')}" } }`,
    `"signing_key": "${at('signing')}"`,
    'password_file: /nowhere',
    'key: /dev/zero',
  ].join('\n');
  t.same(secretsNamedIn(text), [
    'hunter2',
    'MC4CAQ',
    '0b'.repeat(32),
    'jo:s%22cret',
    's%22cret',
    'jo:s"cret',
    's"cret',
  ]);
  t.same(secretsNamedIn(''), []);
});
