import { createConnection } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { openHostAgent } from '../../agent/cli/host-agent.ts';
import { askControl } from '../../agent/host/control.ts';
import { readSettings } from '../../agent/settings.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('without a broker: documents from files only, every effect traced', async (t) => {
  const device = loneDevice(t);
  const steps = new Set<string>();
  const lines: string[] = [];
  const agent = await openHostAgent(readSettings(device.settings), {
    broker: false,
    echo: (line) => void lines.push(line),
    trace: (op, step) => void steps.add(`${op} ${step}`),
  });
  await agent.start();
  const { jws } = device.sign({ version: 1, files: { 'aim.conf': 'one\n' } });
  t.strictSame(await agent.apply(jws), { result: 'applied', code: null, reason: null });
  t.equal(await askControl(join(device.run, 'control.sock'), { do: 'ping' }, 1000), null, 'no control socket');
  await agent.stop('done');
  for (const step of ['journal.sync sync', 'stage.write sync', 'commit.rename rename', 'commit.sync sync-dir']) {
    t.ok(steps.has(step), step);
  }
  t.match(lines.join(''), 'applied aim base version 1 for grp/canary');
  t.notMatch(lines.join(''), 'started', 'a visit is no start of the daemon');
});

t.test('on the embedded broker, with a control socket that answers', async (t) => {
  const device = loneDevice(t, { url: 'embedded' });
  const lines: string[] = [];
  const agent = await openHostAgent(readSettings(device.settings), {
    broker: true,
    echo: (line) => void lines.push(line),
  });
  await agent.start();
  const socket = join(device.run, 'control.sock');
  t.match(await askControl(socket, { do: 'ping' }, 10_000), { pid: process.pid, version: String });
  t.match(await askControl(socket, { do: 'nonsense' }, 10_000), { error: 'the agent does not know this request' });
  const { jws } = device.sign({ version: 1, files: { 'aim.conf': 'one\n' } });
  t.match(await askControl(socket, { do: 'apply', document: jws }, 10_000), { result: 'applied' });
  const port = Number(/embedded broker on mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(lines.join(''))?.[1]);
  await agent.stop('done');
  const refused = await new Promise<string | undefined>((resolve) => {
    createConnection(port, '127.0.0.1').on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  t.equal(refused, 'ECONNREFUSED', 'the broker has gone with the agent');
  t.equal(await askControl(socket, { do: 'ping' }, 1000), null);
});
