import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { command as push } from '../../agent/cli/push.ts';
import { command as refresh } from '../../agent/cli/refresh.ts';
import type { TrackFeature } from '../../agent/values/track.ts';
import { BROKER_KINDS, type BrokerKind } from '../fixtures/broker-kinds.ts';
import { runCommand } from '../fixtures/command.ts';
import { type AnyWorld, type LineDevice, lineDevice } from '../fixtures/line.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { FLIGHT } from '../fixtures/mavlink.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { opensslKey, opensslKeyFile } from '../fixtures/openssl.ts';
import { until } from '../fixtures/until.ts';

const CONF = 'aim.conf';
/** More than any of them sends before it wants to hear an acknowledgement: RabbitMQ 10, Mosquitto 20. */
const UNREADABLE = 40;
/** Documents on their way when the broker is killed. */
const SERIES = 20;
/** How much faster than in life the flight is played. */
const SPEED = 50;

const wish = (version: number, content: string) => ({
  ...{ version, aud: 'dev/drone-7', files: { [CONF]: content } },
});

/** What comes up at once on a topic, for somebody who was not there when it was said. */
async function kept<T>(t: Test, world: AnyWorld, topic: string): Promise<T> {
  const late = await mosquittoSub(t, world.broker, [topic]);
  const { payload } = await late.next(({ retain }) => retain);
  await late.stop();
  return JSON.parse(payload.toString());
}

/** The topic of a device, below its root. */
const own = (device: LineDevice, what: string) => `${device.root}/v1/dev/${device.id}/${what}`;

async function theLine(t: Test, kind: BrokerKind): Promise<void> {
  const broker = await kind.start(t);
  const key = opensslKey(t.testdir());
  const watcher = await mosquittoSub(t, broker, ['+/v1/dev/#'], {
    ...{ id: 'the-fleet', protocol: kind.protocol, ...kind.reader },
  });
  const world: AnyWorld = { broker, key, watcher };
  const settings = (text: { broker: { protocol?: string; filters?: string } }) =>
    Object.assign(text.broker, { protocol: kind.protocol, filters: kind.filters });
  const device = lineDevice(t, world, { settings });
  const operator = {
    LOCKSMITH_BROKER: broker.url,
    LOCKSMITH_KEY: opensslKeyFile(key, join(device.dir, 'ops.key.json')),
    XDG_STATE_HOME: device.dir,
  };
  const protocol = ['--protocol', kind.protocol];
  const life = { agent: await device.start() };

  await t.test('an operator pushes, the device applies and reports, and that is kept', async (t) => {
    const file = join(t.testdir({ [CONF]: 'hold = 800\n' }), CONF);
    for (const version of [1, 2]) {
      const to = ['--to', version === 1 ? 'all' : 'dev/drone-7', '--wait', '1'];
      const pushed = await runCommand(push, ['aim', file, ...to, ...protocol], operator);
      t.match(pushed, { code: 0, out: /^drone-7 +applied/m }, `${pushed.out}${pushed.err}`);
    }
    await device.reported(({ running }) => running.address === 'dev/drone-7');
    t.match(await kept(t, world, own(device, 'reported/aim')), {
      running: { address: 'dev/drone-7', version: 1 },
      last_attempt: { result: 'applied' },
    });
    t.match(await kept(t, world, own(device, 'status')), { state: 'online' });
    t.match(await kept(t, world, own(device, 'lock/aim')), { state: 'COLD' });
  });

  await t.test('a command comes through, and is answered', async (t) => {
    const told = await runCommand(refresh, ['--device', 'drone-7', ...protocol], operator);
    t.equal(told.code, 0, `${told.out}${told.err}`);
  });

  await t.test('HOT: refused with the holder, pending, and applied by itself when COLD', async (t) => {
    const sidecar = join(device.run, 'locks', 'aim', 'lock');
    await until('the sidecar', () => existsSync(sidecar));
    const holder = await flockBy(t, sidecar);
    const { id } = await device.push(wish(10, 'hold = 810\n'));
    const refused = await device.evt({ update: id, event: 'refused' });
    t.match(refused, { code: 'lock-mismatch', mismatch: 'hot', final: false });
    t.ok(refused.reason?.includes(`pid ${holder.pid} `), `names the holder: ${refused.reason}`);
    await device.reported(({ pending }) => pending?.id === id && pending.waiting_for.includes('lock'));
    await holder.end();
    await device.evt({ update: id, event: 'applied' });
    await device.reported(({ running, pending }) => running.version === 10 && pending === null);
    t.same(device.contents(), { [CONF]: 'hold = 810\n' });
  });

  await t.test('what cannot be read is acknowledged too: it does not stand in the way of the next', async () => {
    const lines = Array.from({ length: UNREADABLE }, (_, n) => `nonsense ${n}\n`).join('');
    await mosquittoPub(broker, `${device.root}/v1/dev/drone-7/desired/aim/base`, lines, { lines: true });
    const { id } = await device.push(wish(11, 'hold = 811\n'));
    await device.evt({ update: id, event: 'applied' });
  });

  await t.test('a device that leaves says so, and finds what was pushed meanwhile when it is back', async (t) => {
    t.equal((await life.agent.stop()).code, 0);
    t.match(await kept(t, world, own(device, 'status')), { state: 'offline', reason: /SIGTERM/ });
    const [one, all] = [
      await device.push(wish(12, 'hold = 812\n')),
      await device.push({ ...wish(2, 'x'), aud: 'all' }),
    ];
    life.agent = await device.start();
    await device.evt({ update: one.id, event: 'applied' });
    await device.evt({ update: all.id, event: 'covered' });
    t.equal(device.evts({ version: 11, event: 'applied' }).length, 1, 'what it had is not done again');
  });
  await t.test(
    'the broker is killed under load: every number arrives, and every document is answered once',
    async (t) => {
      const { agent } = life;
      const documents = Array.from({ length: SERIES }, (_, n) => device.sign(wish(20 + n, `hold = ${820 + n}\n`)));
      const lines = documents.map(({ jws }) => `${jws}\n`).join('');
      const enough = new AbortController();
      const desired = own(device, 'desired/aim/base');
      const how = { lines: true, retain: true, signal: enough.signal } as const;
      const sending = mosquittoPub(broker, desired, lines, how).catch(() => {});
      await until('the first answer', () => documents.some(({ id }) => device.evts({ update: id }).length > 0));
      await broker.kill9();
      enough.abort();
      await sending;
      await agent.line(/^.*link: (?!.*connected)/);
      const byHand = device.sign(wish(50, 'hold = 850\n'));
      const applied = await run(['apply', '-', '--settings', device.settings], { input: byHand.jws });
      t.equal(applied.code, 0, applied.stderr);
      // Who reads must be there first: a session that is gone with its broker gets nothing that was said before.
      agent.child.kill('SIGSTOP');
      await broker.start();
      await watcher.granted(2);
      agent.child.kill('SIGCONT');
      const last = await device.push(wish(51, 'hold = 851\n'));
      await device.evt({ update: last.id, event: 'applied' });
      await device.evt({ update: byHand.id, event: 'applied' });
      for (const { id, version } of documents) {
        const outcomes = device.evts({ update: id }).filter(({ final }) => final === true);
        const heard = device.evts({ update: id }).length > 0;
        t.equal(outcomes.length, heard ? 1 : 0, `version ${version}`);
      }
      t.equal((await agent.stop()).code, 0);
      await until('the goodbye after all else', () => watcher.seen.at(-1)?.topic === own(device, 'status'));
      const numbers = device.numbers();
      t.strictSame(
        numbers,
        numbers.map((_, n) => n + 1),
        'from 1, none left out',
      );
    },
  );

  await t.test('a device that is killed is offline for all, also for who looks later', async (t) => {
    const agent = await device.start();
    const lost = (text: string) => text.includes('"offline"') && text.includes('the link was lost');
    await agent.stop('SIGKILL');
    await watcher.next(({ topic, payload }) => topic === own(device, 'status') && lost(payload.toString()));
    t.match(await kept(t, world, own(device, 'status')), { state: 'offline' });
  });

  await t.test('heartbeat, position and track', async (t) => {
    const flying = lineDevice(t, world, {
      ...{ id: 'drone-vtol', heartbeatS: 0.2 },
      settings: (text) => {
        settings(text);
        Object.assign(text, { vehicle: { mavlink: { file: FLIGHT, system: 1, speed: SPEED } } });
      },
    });
    const heard = (what: string) => watcher.seen.filter(({ topic }) => topic === own(flying, what));
    const agent = await flying.start();
    await until('heartbeats and positions', () => heard('hb').length >= 2 && heard('position').length >= 3, 40_000);
    t.equal((await agent.stop()).code, 0);
    await until('the end', () => heard('status').some(({ payload }) => payload.includes('"offline"')));
    const batches = heard('track').map(({ payload }): TrackFeature => JSON.parse(payload.toString()));
    t.ok((batches.at(-1)?.geometry.coordinates.length ?? 0) > 1, `${batches.length} batches`);
    t.match(await kept(t, world, own(flying, 'position')), { _type: 'location', fix: '3d' });
  });

  if (kind.speaks5) return;
  await t.test('MQTT 5, which it does not speak: said in words, to the device and to the operator', async (t) => {
    const device = lineDevice(t, world, {
      id: 'drone-5',
      settings: (text) => Object.assign(text.broker, { protocol: '5' }),
    });
    const agent = start(['run', '--settings', device.settings]);
    t.teardown(() => agent.stop('SIGKILL'));
    await agent.line('the broker does not speak MQTT 5');
    const told = await runCommand(refresh, ['--device', 'drone-7', '--protocol', '5'], operator);
    t.match(told, { code: 1, err: /the broker does not speak MQTT 5/ });
  });
}

t.setTimeout(240_000);
t.test('the whole line on every broker', { jobs: 3, timeout: 240_000 }, async (t) => {
  for (const kind of BROKER_KINDS) void t.test(kind.name, { buffered: true }, (t) => theLine(t, kind));
});
