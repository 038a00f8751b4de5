import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TOPICS } from '../../agent/values/topics.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'mosquitto', name), 'utf8');

/** A client that obeys no rule: a device with a good login of its own. */
const HOSTILE = { username: 'drone-8', password: 'eight' };
const OPERATOR = { username: 'ops', password: 'ops' };
const MARK = 'fleet/v1/dev/drone-8/evt';

t.test('the access rules we ship', { timeout: 120_000 }, async (t) => {
  const users = { 'drone-7': 'seven', 'drone-8': 'eight', ops: 'ops' };
  const broker = await startMosquitto(t, { users, acl: read('locksmith.acl') });
  const dir = t.testdir({ etc: { 'aim.conf': 'hold = 500\n' }, password: 'seven', 'ops.password': 'ops' });
  const seen = await mosquittoSub(t, broker, ['fleet/v1/#'], OPERATOR);

  await t.test('let a device and an operator do their work', async (t) => {
    t.equal((await run(['keys', 'new', 'ops', '--out', dir])).code, 0);
    mkdirSync(join(dir, 'run'));
    writeFileSync(
      join(dir, 'agent.yaml'),
      `device: { id: drone-7, groups: [canary] }
broker: { urls: ["${broker.url}"], username: drone-7, password_file: ${dir}/password }
trust: { keys: ${dir}/ops.pub.json }
paths: { state: ${dir}/state, run: ${dir}/run }
configs: { aim: { files: [ { path: ${dir}/etc/aim.conf } ] } }
`,
    );
    const agent = start(['run', '--settings', join(dir, 'agent.yaml')]);
    t.teardown(() => agent.stop('SIGKILL'));
    await agent.line('connected and subscribed');
    writeFileSync(join(dir, 'aim.conf'), 'hold = 800\n');
    const login = ['--broker', broker.url, '--user', 'ops', '--password-file', join(dir, 'ops.password')];
    const push = ['push', 'aim', join(dir, 'aim.conf'), '--key', join(dir, 'ops.key.json'), '--wait', '1', ...login];
    for (const to of ['all', 'grp/canary', 'dev/drone-7']) {
      const pushed = await run([...push, '--to', to], { env: { XDG_STATE_HOME: dir } });
      t.match(pushed, { code: 0, stdout: /^drone-7 +applied$/m }, to);
    }
    for (const kind of ['evt', 'status', 'reported/aim', 'lock/aim']) {
      await seen.next(({ topic }) => topic === `fleet/v1/dev/drone-7/${kind}`);
    }
    await agent.stop();
    await seen.next(({ topic, payload }) => topic.endsWith('drone-7/status') && payload.includes('offline'));
  });

  await t.test('let a hostile device write nothing but its own words', async (t) => {
    const forbidden = [
      'fleet/v1/dev/drone-8/desired/aim/base',
      'fleet/v1/dev/drone-7/desired/aim/base',
      'fleet/v1/grp/canary/desired/aim/base',
      'fleet/v1/all/desired/aim/shadow',
      'fleet/v1/dev/drone-8/cmd/release',
      'fleet/v1/dev/drone-7/cmd/release',
      'fleet/v1/dev/drone-8/cmd/refresh',
      'fleet/v1/dev/drone-7/cmd/release',
      'fleet/v1/dev/drone-7/reported/aim',
      'fleet/v1/dev/drone-7/status',
      'fleet/v1/dev/drone-7/evt',
      'fleet/v1/dev/drone-7/hb',
      'fleet/v1/dev/drone-7/position',
      'fleet/v1/dev/drone-7/track',
    ];
    for (const topic of forbidden) await mosquittoPub(broker, topic, 'forged', { ...HOSTILE, retain: true });
    await mosquittoPub(broker, MARK, 'mine', HOSTILE);
    await seen.next(({ topic }) => topic === MARK);
    t.strictSame(
      seen.seen.filter(({ payload }) => payload.toString() === 'forged').map(({ topic }) => topic),
      [],
      'what came before the mark on another connection would have been seen by now',
    );
  });

  await t.test('let a hostile device read only what is meant for it, its groups or all', async (t) => {
    const spy = await mosquittoSub(
      t,
      broker,
      ['fleet/v1/#', 'fleet/v1/dev/+/desired/+/+', 'fleet/v1/dev/+/cmd/+'],
      HOSTILE,
    );
    await mosquittoPub(broker, 'fleet/v1/dev/drone-7/desired/aim/base', 'not for you', OPERATOR);
    await mosquittoPub(broker, 'fleet/v1/dev/drone-7/cmd/refresh', 'not for you', OPERATOR);
    await mosquittoPub(broker, 'fleet/v1/dev/drone-8/cmd/refresh', 'for you', OPERATOR);
    await mosquittoPub(broker, 'fleet/v1/dev/drone-8/desired/aim/base', 'for you', OPERATOR);
    await spy.next(({ topic, payload }) => topic.includes('/desired/') && payload.toString() === 'for you');
    await spy.next(({ topic }) => topic === 'fleet/v1/dev/drone-8/cmd/refresh');
    const topics = new Set(spy.seen.map(({ topic }) => topic));
    const meant = /^fleet\/v1\/(dev\/drone-8\/cmd|(dev\/drone-8|grp\/[^/]+|all)\/desired)\//;
    t.strictSame(
      [...topics].filter((topic) => !meant.test(topic)),
      [],
    );
    t.ok(topics.has('fleet/v1/all/desired/aim/base'));
  });
});

t.test('the access rules know every topic, and who may write it', async (t) => {
  const lines = read('locksmith.acl').split('\n');
  for (const { pattern, direction, retained } of Object.values(TOPICS)) {
    const filter = pattern.replace('{root}', 'fleet').replace(/\{(config|layer|name)\}/g, '+');
    const addresses = (own: string) => [`dev/${own}`, 'grp/+', 'all'].map((to) => filter.replace('{address}', to));
    const forDevice = new Set(addresses('%u').map((topic) => topic.replace('{id}', '%u')));
    const forOperator = new Set(addresses('+').map((topic) => topic.replace('{id}', '+')));
    const isToDevice = direction === 'to-device';
    for (const topic of forDevice) {
      t.ok(lines.includes(`pattern ${isToDevice ? 'read' : 'write'} ${topic}`), `device: ${topic}`);
      t.notOk(lines.includes(`pattern ${isToDevice ? 'write' : 'read'} ${topic}`), `device, the other way: ${topic}`);
    }
    for (const topic of forOperator)
      t.equal(lines.includes(`topic write ${topic}`), isToDevice || retained, `operator: ${topic}`);
  }
});
