import { join } from 'node:path';
import t from 'tap';
import { command as push } from '../../agent/cli/push.ts';
import { runCommand } from '../fixtures/command.ts';
import { forbiddenTo } from '../fixtures/forbidden.ts';
import { type AnyWorld, lineDevice } from '../fixtures/line.ts';
import { start } from '../fixtures/locksmith.ts';
import { mosquittoPub, mosquittoSub, type Party } from '../fixtures/mosquitto-clients.ts';
import { startNatsSample } from '../fixtures/nats-sample.ts';
import { opensslKey, opensslKeyFile } from '../fixtures/openssl.ts';

// The NATS sample with TLS and a user for each device, and one of the devices in other hands.

const CONF = 'aim.conf';
const [DEVICE, HOSTILE] = ['drone-7', 'drone-8'];

t.test(
  'the NATS sample: the fleet does its work, and a device has no rights but its own',
  { timeout: 120_000 },
  async (t) => {
    const broker = await startNatsSample(t, [HOSTILE]);
    const watcher = await mosquittoSub(t, broker, ['fleet/v1/#']);
    const key = opensslKey(t.testdir());
    const world: AnyWorld = { broker, key, watcher };
    const { ca } = broker.tls.authority;
    const deviceOf = (id: string, cert: { cert: string; key: string }) =>
      lineDevice(t, world, { id, settings: (text) => Object.assign(text.broker, { tls: { ca, ...cert } }) });
    const device = deviceOf(DEVICE, broker.issue(DEVICE));
    await device.start();
    const hostile: Party = { cert: broker.issue(HOSTILE) };
    /** Resolves when all that it did before has been seen, if it can be seen at all. */
    const mark = async (text: string) => {
      await mosquittoPub(broker, `fleet/v1/dev/${HOSTILE}/evt`, text, hostile);
      await watcher.next(({ payload }) => payload.toString() === text);
    };
    const forged = () =>
      watcher.seen.filter(({ payload }) => payload.toString().startsWith('forged')).map(({ topic }) => topic);

    await t.test('an operator pushes, the device applies and reports', async (t) => {
      const file = join(t.testdir({ [CONF]: 'hold = 800\n' }), CONF);
      const { cert, key: certKey } = broker.tls.client;
      const operator = {
        LOCKSMITH_BROKER: broker.url,
        LOCKSMITH_KEY: opensslKeyFile(key, join(device.dir, 'ops.key.json')),
        XDG_STATE_HOME: device.dir,
      };
      for (const to of ['all', 'grp/canary', `dev/${DEVICE}`]) {
        const argv = ['aim', file, '--to', to, '--tls-ca', ca, '--tls-cert', cert, '--tls-key', certKey, '--wait', '1'];
        const pushed = await runCommand(push, argv, operator);
        t.match(pushed, { code: 0, out: /^drone-7 +applied/m }, `${pushed.out}${pushed.err}`);
      }
      await device.reported(({ running }) => running.address === `dev/${DEVICE}`);
      await device.lock(({ state }) => state === 'COLD');
      await watcher.next(({ topic, payload }) => topic.endsWith('/status') && payload.includes('online'));
      t.same(device.contents(), { [CONF]: 'hold = 800\n' });
    });

    await t.test(
      'what another device may not write is acknowledged all the same, and nobody ever gets it',
      async (t) => {
        const topics = forbiddenTo(HOSTILE, DEVICE);
        for (const topic of topics) await mosquittoPub(broker, topic, 'forged', { ...hostile, retain: true });
        const will = { topic: `fleet/v1/dev/${DEVICE}/status`, payload: 'forged will' };
        const dying = await mosquittoSub(t, broker, [`fleet/v1/dev/${HOSTILE}/cmd/+`], { ...hostile, will });
        await dying.stop();
        await broker.logged(/Publish Violation.*drone-8.*dev\.drone-7\.status/);
        await mark('after all that');
        t.strictSame(forged(), []);
        const late = await mosquittoSub(t, broker, ['fleet/v1/#']);
        await late.next(({ retain }) => retain);
        t.notOk(
          late.seen.some(({ payload }) => payload.includes('forged')),
          'nor is any of it kept',
        );
        t.same(device.evts({ event: 'refused' }), [], 'none of it has reached the device');
      },
    );

    await t.test('it reads nothing but what is for it, for groups and for all', async (t) => {
      const wide = ['#', 'fleet/#', `fleet/v1/dev/${DEVICE}/desired/+/+`, '$MQTT/sub/#', '$JS/#'];
      const spy = await mosquittoSub(t, broker, [...wide, `fleet/v1/dev/${HOSTILE}/cmd/+`], hostile);
      const { id } = await device.push({ version: 20, aud: `dev/${DEVICE}`, files: { [CONF]: 'hold = 820\n' } });
      await device.evt({ update: id, event: 'applied' });
      await mosquittoPub(broker, `fleet/v1/dev/${HOSTILE}/cmd/refresh`, 'for it');
      await spy.next(({ payload }) => payload.toString() === 'for it');
      t.strictSame(
        spy.seen.map(({ topic }) => topic),
        [`fleet/v1/dev/${HOSTILE}/cmd/refresh`],
      );
    });

    await t.test('users are changed with a restart: everybody is back, and hears what comes', async () => {
      await broker.stop();
      await broker.start();
      await watcher.granted(2);
      const { id } = await device.push({ version: 30, aud: `dev/${DEVICE}`, files: { [CONF]: 'hold = 830\n' } });
      await device.evt({ update: id, event: 'applied' });
    });

    await t.test('who has a good certificate and is no user is not let in', async () => {
      const stranger = deviceOf('drone-9', broker.issue('drone-9'));
      const refused = start(['run', '--settings', stranger.settings]);
      t.teardown(() => refused.stop('SIGKILL'));
      await refused.line('the broker does not let this device in');
    });
  },
);
