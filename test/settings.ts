import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { examineSettings, readSettings, sayPath } from '../agent/settings.ts';
import { SaidError } from '../agent/values/errors.ts';

const GOOD = `device: { id: drone-7, groups: [canary] }
broker: { urls: ["mqtts://broker:8883"] }
trust: { keys: /etc/locksmith/keys.json }
configs:
  aim_lock_config:
    files: [ { path: /etc/aim/aim_lock_config.conf, format: ini } ]
`;

function problemsOf(text: string): string[] {
  const reading = examineSettings(text, '/etc/locksmith/agent.yaml');
  if (reading.kind === 'settings') return [];
  return reading.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

function saidBy(path: string): SaidError {
  try {
    readSettings(path);
  } catch (error) {
    if (error instanceof SaidError) return error;
    throw error;
  }
  throw new Error('no error was said');
}

t.test('the typical settings are read, with every default filled in', async (t) => {
  const reading = examineSettings(GOOD, '/etc/locksmith/agent.yaml');
  if (reading.kind !== 'settings') throw new Error(JSON.stringify(reading.problems));
  const { settings } = reading;
  t.equal(settings.broker.root, 'fleet');
  t.equal(settings.broker.protocol, '3.1.1');
  t.equal(settings.broker.backoff.cap_s, 90);
  t.equal(settings.paths.state, '/var/lib/locksmith');
  t.equal(settings.telemetry.heartbeat_s, 30);
  t.equal(settings.log.level, 'info');
  t.same(settings.locks.honour, []);
  const config = settings.configs.aim_lock_config;
  t.equal(config?.on_hot, 'wait');
  t.same(config?.files, [{ path: '/etc/aim/aim_lock_config.conf', format: 'ini', follow: false }]);
  t.equal(settings.configs.constructor, undefined, 'a config that was not declared is not found on the prototype');
  t.same(reading.placeOf(['configs', 'aim_lock_config', 'files', 0, 'path']), { line: 6, column: 22 });
});

t.test('each thing that is wrong is told with its place, and what was expected', async (t) => {
  const wrong: readonly (readonly [string, string, string])[] = [
    ['unknown key', GOOD.replace('urls:', 'ulrs:'), "2:11: broker.ulrs: unknown key 'ulrs' (did you mean 'urls'?)"],
    ['missing key', GOOD.replace('id: drone-7, ', ''), "1:9: device: the key 'id' is missing"],
    ['number for a name', GOOD.replace('drone-7', '7'), '1:15: device.id: expected a string, found 7'],
    [
      'bad name',
      GOOD.replace('drone-7', 'a/b'),
      "1:15: device.id: expected a name: 1 to 64 letters, digits, `_` or `-`, found 'a/b'",
    ],
    [
      'relative path',
      GOOD.replace('/etc/aim/', 'aim/'),
      "6:22: configs.aim_lock_config.files[0].path: expected an absolute path (one that starts with `/`), found 'aim/aim_lock_config.conf'",
    ],
    [
      'enum',
      GOOD.replace('format: ini', 'format: imi'),
      "6:61: configs.aim_lock_config.files[0].format: expected one of json, yaml, toml, ini, text, found 'imi' (did you mean 'ini'?)",
    ],
    [
      'number for a version',
      GOOD.replace('"mqtts://broker:8883"]', '"mqtt://b"], protocol: 5'),
      '2:41: broker.protocol: expected a text, found the number 5',
    ],
    [
      'bad config name',
      GOOD.replace('aim_lock_config:', 'aim.lock:'),
      "5:3: configs.aim.lock: 'aim.lock' is not a name: 1 to 64 letters, digits, `_` or `-`",
    ],
    [
      'duplicate group',
      GOOD.replace('[canary]', '[canary, b, canary]'),
      '1:44: device.groups[2]: it is in the list already, as number 1',
    ],
    [
      'no file',
      GOOD.replace(/\[ \{ path.*\]/, '[]'),
      '6:12: configs.aim_lock_config.files: expected at least one entry, found none',
    ],
    [
      'no URL',
      GOOD.replace('"mqtts://broker:8883"', 'broker'),
      "2:18: broker.urls[0]: expected `mqtt://host:port`, `mqtts://host:port` or `embedded`, found 'broker'",
    ],
    ['out of range', `${GOOD}telemetry: { heartbeat_s: 0 }\n`, '7:27: telemetry.heartbeat_s: must be > 0, found 0'],
    [
      'more than the unit may take',
      `${GOOD}telemetry: { outbox: { max_mb: 12.5 } }\n`,
      '7:32: telemetry.outbox.max_mb: must be <= 12, found 12.5',
    ],
    ['a duplicate key', `${GOOD}trust: { keys: /x }\n`, '7:1: not valid YAML: this key is there twice'],
    ['not a mapping', 'hello', "1:1: expected a mapping, found 'hello'"],
    ['nothing at all', '', '1:1: expected a mapping, found nothing'],
    [
      'a schedule that is none',
      `${GOOD}locks: { gc: "61 * * * *" }\n`,
      "7:14: locks.gc: minute: expected 0 to 59, found '61'",
    ],
    [
      'a unit that is none',
      `${GOOD}    writers: [ aim.service, "aim orchestrator" ]\n`,
      '7:29: configs.aim_lock_config.writers[1]: expected the name of a systemd unit, such as `aim.service` ' +
        "(or .socket, .timer, .path, .target), found 'aim orchestrator'",
    ],
    [
      'a rule between settings',
      GOOD.replace('mqtts:', 'mqtt:').replace('] }\ntrust', '], tls: {} }\ntrust'),
      '2:46: broker.tls: tls is for mqtts:// brokers, but no URL starts with it',
    ],
  ];
  for (const [name, text, expected] of wrong) t.equal(problemsOf(text)[0], expected, name);
});

t.test('a unit has the name of one', async (t) => {
  t.match(
    problemsOf(`${GOOD}    reload: { unit: x }\n`)[0],
    /^7:\d+: configs\.aim_lock_config\.reload\.unit: expected the name of a systemd unit/,
  );
});

t.test('all problems come in the order of the file', async (t) => {
  const problems = problemsOf(
    GOOD.replace('drone-7', '7').replace('ini', 'imi').replace('fleet', 'x').replace('urls', 'url'),
  );
  t.same(
    problems.map((line) => line.split(':', 1)[0]),
    ['1', '2', '6'],
  );
  const lines = GOOD.replace('drone-7', '7').replace('ini', 'imi').split('\n');
  const turned = problemsOf([...lines.slice(3, 6), ...lines.slice(0, 3)].join('\n'));
  t.same(
    turned.map((line) => line.split(':', 1)[0]),
    ['3', '4'],
    'also where the file has another order than the schema',
  );
});

t.test('readSettings throws one line with file, line and column, exit 2, and what to try', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'locksmith-settings-')), 'agent.yaml');
  writeFileSync(path, GOOD);
  t.equal(readSettings(path).device.id, 'drone-7');
  writeFileSync(path, GOOD.replace('drone-7', '7'));
  t.match(saidBy(path), {
    exit: 2,
    message: `${path}:1:15: device.id: expected a string, found 7`,
    remedy: 'write it in quotes: "7"',
  });
  writeFileSync(path, GOOD.replace('drone-7', '7').replace('ini', 'imi'));
  t.match(saidBy(path), { message: /\(and 1 more\)$/, remedy: `locksmith check --settings ${path}` });
  writeFileSync(path, `#${'x'.repeat(1024 * 1024)}\n${GOOD}`);
  t.match(saidBy(path), { exit: 2, message: /more than the 1048576 allowed/ });
  writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00]));
  t.match(saidBy(path), { exit: 2, message: `${path}: not UTF-8 text` });
  t.match(saidBy(`${path}.gone`), { exit: 2, message: `${path}.gone: there is no such settings file` });
});

t.test('a path in the settings reads like code', async (t) => {
  t.equal(sayPath(['configs', 'a', 'files', 0, 'path']), 'configs.a.files[0].path');
});

t.test('one image for a whole fleet: the id of the device can be the first line of a file', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-id-'));
  const path = join(dir, 'id');
  const text = GOOD.replace('drone-7', path);
  const at = (content: string) => {
    writeFileSync(path, content);
    const reading = examineSettings(text, '/etc/locksmith/agent.yaml');
    return reading.kind === 'settings' ? reading.settings.device : reading.problems.map(({ message }) => message);
  };
  t.same(problemsOf(text), [`1:15: device.id: ${path}: there is no such file`]);
  t.same(at('drone-8\nmore\n'), { id: 'drone-8', groups: ['canary'] });
  t.same(at(' 69ad4be10c7a461cab790880513d9ac5\r\n'), { id: '69ad4be10c7a461cab790880513d9ac5', groups: ['canary'] });
  const whyNot = `device.id: the first line of ${path} is not a name: 1 to 64 letters, digits, \`_\` or \`-\``;
  t.same(at('uninitialized\n'), [whyNot], 'an image that has never booted');
  t.same(at('\ndrone-8\n'), [whyNot]);
  t.match(at('x'.repeat(5000)), [/bytes, more than the 4096 allowed/]);
});
