import t from 'tap';
import { type AnyWorld, lineDevice } from '../fixtures/line.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { startNats } from '../fixtures/nats.ts';
import { opensslKey } from '../fixtures/openssl.ts';

const CONF = 'aim.conf';

// A device that stands still for a while is sent again what it has not acknowledged, over the same link, and out of order.
t.test(
  'NATS sends again what a busy device has not acknowledged: one answer for each',
  { timeout: 60_000 },
  async (t) => {
    const broker = await startNats(t, { ackWait: '1s' });
    const watcher = await mosquittoSub(t, broker, ['+/v1/dev/#']);
    const world: AnyWorld = { broker, key: opensslKey(t.testdir()), watcher };
    const device = lineDevice(t, world, { id: 'drone-busy' });
    const agent = await device.start();

    agent.child.kill('SIGSTOP');
    t.teardown(() => agent.child.kill('SIGCONT'));
    const mark = broker.mark();
    const documents = [];
    for (const version of [1, 2, 3]) {
      documents.push(await device.push({ version, aud: 'all', files: { [CONF]: `hold = ${version}\n` } }));
    }
    // pi: the packet id of the first and the last.
    for (const id of [1, 2, 3])
      await broker.logged(new RegExp(`"drone-busy" - ->> \\[PUBLISH .* dup=true .*pi=\\d*${id}\\b`), mark);
    agent.child.kill('SIGCONT');

    await device.reported(({ running, pending }) => running.version === 3 && pending === null);
    const next = await device.push({ version: 4, aud: 'all', files: { [CONF]: 'hold = 4\n' } });
    await device.evt({ update: next.id, event: 'applied' });
    for (const { id, version } of documents) {
      const outcomes = device.evts({ update: id, final: true });
      t.equal(outcomes.length, 1, `version ${version}: ${outcomes.map(({ event, code }) => `${event} ${code ?? ''}`)}`);
    }
    t.same(device.evts({ event: 'refused' }), [], 'an older one that comes once more is no replay');
    t.same(device.contents(), { [CONF]: 'hold = 4\n' });
  },
);
