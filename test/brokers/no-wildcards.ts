import { join } from 'node:path';
import t from 'tap';
import { makeKeyFiles } from '../../agent/fleet/signer.ts';
import { run } from '../fixtures/locksmith.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';
import { startRabbitmq } from '../fixtures/rabbitmq.ts';

// RabbitMQ hands out nothing retained to who asks with wildcards: what needs that says so, and changes nothing.

t.test('a broker that answers to exact topics only', { timeout: 180_000 }, async (t) => {
  const broker = await startRabbitmq(t);
  const dir = t.testdir({ 'aim.conf': 'hold = 800\n' });
  const { privatePath } = await makeKeyFiles('ops', dir);
  const env = { LOCKSMITH_BROKER: broker.url, LOCKSMITH_KEY: privatePath, XDG_STATE_HOME: dir };
  const said = (...argv: readonly string[]) => run(argv, { env });
  const status = JSON.stringify({
    state: 'offline',
    at: '2026-01-01T00:00:00.000Z',
    boot: 'b',
    reason: 'gone',
    groups: [],
  });
  await mosquittoPub(broker, 'fleet/v1/dev/d7/status', status, { retain: true });
  const words = /hands it out to nobody who (asks with wildcards|does not name the topic)/;

  t.match(await said('fleet'), { code: 4, stdout: /^0 devices/, stderr: words });
  t.match(await said('fleet', 'forget', 'd7', '--yes'), { code: 1, stdout: '', stderr: words });
  const start = ['rollout', 'start', 'aim', join(dir, 'aim.conf'), '--to', 'all', '--name', 'one'];
  t.match(await said(...start), { code: 4, stdout: '', stderr: /no device of all has the config aim/ });
});
