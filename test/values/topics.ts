import t from 'tap';
import {
  addressesOf,
  commandTopic,
  desiredTopic,
  deviceTopic,
  isLayer,
  parseAddress,
  parseCommandTopic,
  parseDesiredTopic,
  TOPICS,
} from '../../agent/values/topics.ts';

t.test('addresses', async (t) => {
  for (const text of ['all', 'dev/drone-7', 'grp/canary']) t.equal(parseAddress(text), text);
  for (const text of [
    '',
    'dev',
    'dev/',
    'grp/a/b',
    'all/x',
    'dev/+',
    'dev/#',
    'user/x',
    'dev/a b',
    'DEV/x',
    '/dev/x',
  ]) {
    t.equal(parseAddress(text), null, `'${text}'`);
  }
  t.strictSame(addressesOf('drone-7', ['canary', 'eu']), ['dev/drone-7', 'grp/canary', 'grp/eu', 'all']);
});

t.test('the topic of an update reads back as what it was made of', async (t) => {
  for (const address of ['all', 'dev/drone-7', 'grp/canary'] as const) {
    for (const layer of ['base', 'shadow'] as const) {
      const topic = desiredTopic('fleet', address, 'aim_lock_config', layer);
      t.strictSame(parseDesiredTopic('fleet', topic), { address, config: 'aim_lock_config', layer }, topic);
    }
  }
});

t.test('what is no topic of an update is none', async (t) => {
  const wrong = [
    'other/v1/all/desired/a/base',
    'fleet/v2/all/desired/a/base',
    'fleet/v1/all/desired/a',
    'fleet/v1/all/desired/a/base/x',
    'fleet/v1/all/desired/a/top',
    'fleet/v1/all/desired//base',
    'fleet/v1/desired/a/base',
    'fleet/v1/dev/desired/a/base',
    'fleet/v1/dev/x/reported/a',
    'fleet/v1/dev/x/desired/a b/base',
    '',
  ];
  for (const topic of wrong) t.equal(parseDesiredTopic('fleet', topic), null, `'${topic}'`);
});

t.test('a device or group called desired is no trap', async (t) => {
  for (const address of ['dev/desired', 'grp/desired'] as const) {
    const topic = desiredTopic('fleet', address, 'desired', 'base');
    t.strictSame(parseDesiredTopic('fleet', topic), { address, config: 'desired', layer: 'base' }, topic);
  }
});

t.test('the topic of a command reads back; anything else is none', async (t) => {
  const topic = commandTopic('fleet', 'drone-7', 'release');
  t.equal(topic, TOPICS.cmd.pattern.replace('{root}', 'fleet').replace('{id}', 'drone-7').replace('{name}', 'release'));
  t.strictSame(parseCommandTopic('fleet', topic), { id: 'drone-7', name: 'release' });
  t.strictSame(
    parseCommandTopic('fleet', 'fleet/v1/dev/d/cmd/'),
    { id: 'd', name: '' },
    'a strange name is refused later',
  );
  for (const wrong of [
    'other/v1/dev/drone-7/cmd/release',
    'fleet/v1/grp/canary/cmd/release',
    'fleet/v1/dev/drone-7/cmd',
    'fleet/v1/dev/drone-7/cmd/release/x',
    'fleet/v1/dev//cmd/release',
    'fleet/v1/dev/cmd/desired/aim/base',
  ]) {
    t.equal(parseCommandTopic('fleet', wrong), null, wrong);
  }
});

t.test('own topics follow the table', async (t) => {
  const fill = (pattern: string) =>
    pattern.replace('{root}', 'fleet').replace('{id}', 'drone-7').replace('{config}', 'aim_lock_config');
  for (const kind of ['evt', 'status', 'hb'] as const) {
    t.equal(deviceTopic('fleet', 'drone-7', kind), fill(TOPICS[kind].pattern));
  }
  for (const kind of ['reported', 'lock'] as const) {
    t.equal(deviceTopic('fleet', 'drone-7', kind, 'aim_lock_config'), fill(TOPICS[kind].pattern));
  }
});

t.test('layers', async (t) => {
  t.ok(isLayer('base') && isLayer('shadow'));
  for (const value of ['', 'Base', null, undefined, 1, {}]) t.notOk(isLayer(value), String(value));
});
