import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import { type LineWorld, lineDevice, lineWorld } from '../fixtures/line.ts';
import { run } from '../fixtures/locksmith.ts';
import { FLIGHT, ourBytes, ourFrames } from '../fixtures/mavlink.ts';
import { openPty } from '../fixtures/pty.ts';
import { until } from '../fixtures/until.ts';

// A real agent and each of its ways to a vehicle, but for UDP, which test/flight/gate.ts has.

const REST = Buffer.concat([
  ourBytes('HEARTBEAT', { type: 2, autopilot: 12, system_status: 3 }),
  ourBytes('EXTENDED_SYS_STATE', { landed_state: 1 }),
  ourBytes('GPS_RAW_INT', { fix_type: 3, satellites_visible: 11 }),
]);

/** Starts an agent with this vehicle. */
async function agentWith(t: Parameters<typeof lineDevice>[0], world: LineWorld, root: string, mavlink: object) {
  const settings = (text: object) => void Object.assign(text, { vehicle: { mavlink: { system: 1, ...mavlink } } });
  const device = lineDevice(t, world, { root, settings });
  const agent = await device.start();
  const vehicle = async () =>
    JSON.parse((await run(['status', '--json', '--settings', device.settings])).stdout).vehicle;
  return { device, agent, vehicle };
}

/** Says the same four times a second. */
function repeat(t: { teardown(fn: () => unknown): void }, say: () => void): void {
  const timer = setInterval(say, 250);
  t.teardown(() => clearInterval(timer));
}

const asks = (bytes: Uint8Array) => ourFrames(bytes).some(({ id, component }) => id === 76 && component === 191);

t.test('each way to a vehicle', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);

  await t.test('a serial line, which is pulled out', async (t) => {
    const pty = await openPty(t);
    const { agent, vehicle } = await agentWith(t, world, 'serial', { serial: pty.path, baud: 115_200 });
    repeat(t, () => pty.write(REST));
    await agent.line('vehicle safe: disarmed and landed');
    t.match(await vehicle(), { safety: 'safe', wire: 'open', armed: false, fix: '3d', satellites: 11, refused: 0 });
    await until('it asks over the same line', () => asks(pty.read()));
    await pty.end();
    await agent.line('vehicle unknown: no heartbeat for 3 s');
    t.match(await vehicle(), { safety: 'unknown', wire: /^(?!open)/ });
  });

  await t.test('a TCP port, which goes and comes back', async (t) => {
    const sockets = new Set<Socket>();
    const heard: Buffer[] = [];
    const listen = async (port: number) => {
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on('data', (bytes) => void heard.push(bytes));
        socket.on('error', () => {});
        socket.on('close', () => void sockets.delete(socket));
      }).listen(port, '127.0.0.1');
      await once(server, 'listening');
      t.teardown(() => void server.close());
      return server;
    };
    const server = await listen(0);
    const address = server.address();
    const port = address === null || typeof address === 'string' ? 0 : address.port;
    const { agent } = await agentWith(t, world, 'tcp', { connect: `tcp://127.0.0.1:${port}` });
    repeat(t, () => {
      for (const socket of sockets) socket.write(REST);
    });
    await agent.line('vehicle safe');
    t.ok(asks(Buffer.concat(heard)));
    server.close();
    for (const socket of sockets) socket.destroy();
    await agent.line('vehicle unknown');
    await listen(port);
    await agent.line('vehicle safe');
    await agent.stop();
    for (const socket of sockets) socket.destroy();
  });

  await t.test('a recorded flight, twenty times as fast', async (t) => {
    const { agent, vehicle } = await agentWith(t, world, 'file', { file: FLIGHT, speed: 20 });
    const landed = 'vehicle unknown: whether it has landed was never said';
    await agent.line(landed);
    const turns = agent.stderr().match(/vehicle .*/g);
    t.same(turns, ['vehicle unsafe: armed', landed], 'a burst that comes 1.5 s late is no new start');
    const { messages, armed } = await vehicle();
    t.ok(messages > 19_000 && messages < 23_894, `${messages} messages`);
    t.equal(armed, false);
  });
});
