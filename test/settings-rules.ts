import t from 'tap';
import { SETTINGS_PATH } from '../agent/cli/command.ts';
import { examineSettings } from '../agent/settings.ts';
import { brokenRules } from '../agent/settings-rules.ts';
import type { Settings } from '../agent/settings-schema.ts';

function settingsOf(broker: string, files: string, rest = ''): Settings {
  const text = `device: { id: d }\nbroker: ${broker}\ntrust: { keys: /etc/locksmith/keys.json }\nconfigs: ${files}\n${rest}`;
  const reading = examineSettings(text, '/nowhere/agent.yaml');
  if (reading.kind === 'settings') return reading.settings;
  throw new Error(JSON.stringify(reading.problems));
}

const BROKER = '{ urls: ["mqtt://h"] }';
const ONE = '{ c: { files: [ { path: /a/x.conf } ] } }';

function change(settings: Settings, edit: (copy: Settings) => unknown): Settings {
  const copy = structuredClone(settings);
  edit(copy);
  return copy;
}

function whys(settings: Settings): string[] {
  return brokenRules(settings, SETTINGS_PATH).map(({ path, why }) => `${path.join('.')}: ${why}`);
}

t.test('settings that keep every rule break none', async (t) => {
  t.same(
    whys(
      settingsOf(
        '{ urls: ["mqtts://h:8883", "mqtts://[::1]:1"], username: u, password_file: /p, tls: { ca: /ca, cert: /c, key: /k } }',
        ONE,
      ),
    ),
    [],
  );
  t.same(whys(settingsOf('{ urls: [embedded] }', ONE)), []);
});

t.test('files', async (t) => {
  const good = settingsOf(
    BROKER,
    '{ c: { files: [ { path: /a/x }, { path: /a/y } ] }, d: { files: [ { path: /b/x } ] } }',
  );
  t.same(whys(good), []);
  const withPath = (path: string) => change(good, (copy) => Object.assign(copy.configs.d?.files[0] ?? {}, { path }));
  t.same(whys(withPath('/a/x')), ["configs.d.files.0.path: config 'c' has this path already"]);
  const twice = change(good, (copy) => Object.assign(copy.configs.c?.files[1] ?? {}, { path: '/other/x' }));
  t.same(whys(twice), ["configs.c.files.1.path: a second file called 'x' in config 'c'"]);
  for (const path of ['/a/../x', '/a//x', '/a/./x'])
    t.match(whys(withPath(path)), [/expected a path without '\.', '\.\.' or '\/\/'/], path);
  t.match(whys(withPath('/a/')), [/without '\/' at its end/]);
  t.match(whys(withPath('/a/x\n')), [/control characters/]);
  t.same(whys(withPath(`/a/${'x'.repeat(233)}`)), []);
  t.match(whys(withPath(`/a/${'x'.repeat(234)}`)), [/longer than 233 bytes/]);
  t.match(whys(withPath(`/a/${'é'.repeat(117)}`)), [/longer than 233 bytes/], 'bytes, not characters');
  t.match(whys(withPath(SETTINGS_PATH)), [/Locksmith's own settings/]);
  t.match(whys(withPath('/etc/locksmith/keys.json')), [/keys that Locksmith trusts/]);
  t.match(whys(withPath('/var/lib/locksmith/journal')), [/state directory/]);
  t.match(whys(withPath('/run/locksmith/beat')), [/run directory/]);
  t.match(whys(withPath('/etc/systemd/system/locksmith.service')), [/own unit/]);
  t.match(whys(withPath('/etc/systemd/system/locksmith.service.d/x.conf')), [/own unit/]);
  t.match(whys(withPath('/a/.x.0a1b.locksmith')), [/staged files/]);
  t.same(whys(withPath('/run/locksmithy/x')), [], 'a neighbour with a longer name is nobody');
});

t.test('a schema', async (t) => {
  const text = settingsOf(
    BROKER,
    '{ c: { files: [ { path: /a/x, format: json, schema: /s.json }, { path: /a/y } ] } }',
  );
  t.same(whys(text), []);
  t.match(whys(change(text, (copy) => Object.assign(copy.configs.c?.files[0] ?? {}, { format: 'text' }))), [
    /format other than text/,
  ]);
  t.match(whys(change(text, (copy) => Object.assign(copy.configs.c?.files[1] ?? {}, { path: '/s.json' }))), [
    /a schema that updates/,
  ]);
});

t.test('broker', async (t) => {
  const good = settingsOf('{ urls: ["mqtts://h"], username: u, password_file: /p, tls: { cert: /c, key: /k } }', ONE);
  const broker = (change_: object) => whys(change(good, (copy) => Object.assign(copy.broker, change_)));
  t.match(broker({ urls: ['mqtt://h'] }), [/^broker.tls: tls is for mqtts/]);
  t.match(broker({ urls: ['mqtts://h', 'embedded'] }), [/^broker.urls.1: 'embedded' stands alone/]);
  t.match(broker({ urls: ['mqtts://u:p@h'] }), [/no user or password/]);
  t.match(broker({ urls: ['mqtts://h/path'] }), [/nothing after it/]);
  t.match(broker({ urls: ['mqtts://h:99999'] }), [/not a URL with a host/]);
  t.match(broker({ tls: { cert: '/c' } }), [/^broker.tls.cert: cert and key come together/]);
  t.match(broker({ tls: { key: '/c' } }), [/^broker.tls.key: cert and key come together/]);
  t.match(broker({ username: undefined }), [/needs broker.username/]);
  t.same(broker({ password_file: undefined }), [], 'a client certificate stands in for a password');
  t.match(broker({ password_file: undefined, tls: {} }), [/needs broker.password_file/]);
  t.match(broker({ backoff: { first_s: 9, cap_s: 8, stable_s: 1 } }), [/9 is more than cap_s, 8/]);
  for (const path of ['/p', '/c', '/k']) {
    const taken = change(good, (copy) => Object.assign(copy.configs.c?.files[0] ?? {}, { path }));
    t.match(whys(taken), [/secret of Locksmith's own link/], path);
  }
});

t.test('locks', async (t) => {
  const good = settingsOf(BROKER, ONE);
  t.equal(good.locks.gc, '* * * * *', 'every minute by default');
  const gc = (text: string) => whys(change(good, (copy) => Object.assign(copy.locks, { gc: text })));
  t.same(gc('*/5 * * * *'), []);
  t.match(gc('61 * * * *'), [/^locks\.gc: minute: expected 0 to 59, found '61'/]);
  const writers = (...units: string[]) =>
    whys(change(good, (copy) => Object.assign(copy.configs.c ?? {}, { writers: units })));
  t.same(writers('aim.service', 'locksmithy.service'), []);
  for (const own of ['locksmith.service', 'locksmith-agent.service', 'locksmith-recover.service'])
    t.match(writers('aim.service', own), [/^configs\.c\.writers\.1: Locksmith cannot stop itself/], own);
});

t.test('gates', async (t) => {
  const good = settingsOf(BROKER, ONE);
  const config = (change_: object) => whys(change(good, (copy) => Object.assign(copy.configs.c ?? {}, change_)));
  const window = { cron: '0 2 * * *', minutes: 60, tz: 'UTC' };
  t.same(config({ window }), []);
  t.match(config({ window: { ...window, cron: '0 2 * *' } }), [/^configs\.c\.window\.cron: expected five fields/]);
  t.match(config({ window: { ...window, tz: 'Nowhere' } }), [/^configs\.c\.window\.tz: 'Nowhere' is no time zone/]);
  t.same(config({ vehicle: 'any' }), []);
  t.match(config({ vehicle: 'safe' }), [/^configs\.c\.vehicle: nothing says how the vehicle is/]);
});

t.test('own directories', async (t) => {
  const good = settingsOf(BROKER, ONE);
  const paths = (state: string, run: string) => whys(change(good, (copy) => Object.assign(copy.paths, { state, run })));
  t.same(paths('/s', '/r'), []);
  t.match(paths('/s', '/s'), [/a reboot clears/]);
  t.match(paths('/s/deep', '/s'), [/a reboot clears/]);
  t.match(paths('/s/', '/r'), [/without '\/' at its end/]);
});

t.test('vehicle', async (t) => {
  const vehicle = (text: string) => {
    const head = `device: { id: d }\nbroker: ${BROKER}\ntrust: { keys: /etc/locksmith/keys.json }\nconfigs: ${ONE}`;
    const reading = examineSettings(`${head}\nvehicle: ${text}\n`, '/nowhere/agent.yaml');
    return reading.kind === 'settings' ? [] : reading.problems.map(({ message }) => message);
  };
  const system = 'system: 1';
  for (const good of [
    `{ mavlink: { listen: "udp://127.0.0.1:14550", ${system} } }`,
    `{ mavlink: { connect: "tcp://[::1]:5760/", ${system} }, disarmed_is_enough: true }`,
    `{ mavlink: { serial: /dev/ttyS0, ${system} } }`,
    `{ mavlink: { file: /x.tlog, ${system} } }`,
    '{ gpsd: {}, cannot_move: true }',
  ]) {
    t.same(vehicle(good), [], good);
  }
  t.same(vehicle('{}'), ['vehicle: expected mavlink or gpsd, found neither']);
  t.same(vehicle(`{ gpsd: {}, mavlink: { file: /x, ${system} } }`), ['vehicle: expected mavlink or gpsd, found both']);
  t.same(vehicle(`{ mavlink: { ${system} } }`), [
    'vehicle.mavlink: expected one of listen, connect, serial, file, found none',
  ]);
  t.match(vehicle(`{ mavlink: { file: /x, serial: /y, ${system} } }`), [/found serial and file$/]);
  t.match(vehicle('{ gpsd: {}, disarmed_is_enough: true }'), [/^vehicle\.disarmed_is_enough: only MAVLink/]);
  t.match(vehicle(`{ mavlink: { file: /x, ${system} }, cannot_move: true }`), [/^vehicle\.cannot_move: /]);
  for (const bad of [
    'udp://h',
    'udp://h:0',
    'udp://:1',
    'udp://h:1/x',
    'udp://u@h:1',
    'udp://h:1?x',
    'udp://h:99999',
  ]) {
    t.match(vehicle(`{ mavlink: { listen: "${bad}", ${system} } }`), [
      /listen: expected udp:\/\/host:port and nothing after/,
    ]);
  }
  t.match(vehicle('{ gpsd: { connect: "tcp://h" } }'), [/^vehicle\.gpsd\.connect: expected tcp:\/\/host:port/]);
});
