import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { freeUdpPort, startAutopilot } from '../fixtures/autopilot.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { run } from '../fixtures/locksmith.ts';

t.test('going back by hand waits for the landing, and is then done by itself', { timeout: 180_000 }, async (t) => {
  const world = await lineWorld(t);
  const port = await freeUdpPort();
  const vehicle = { mavlink: { listen: `udp://127.0.0.1:${port}`, system: 1 } };
  const device = lineDevice(t, world, { root: 'back', settings: (text) => void Object.assign(text, { vehicle }) });
  const agent = await device.start();
  const autopilot = startAutopilot(t, port, false);
  await agent.line('vehicle safe', 60_000);
  for (const version of [1, 2]) {
    const { id } = await device.push({ version, files: { 'aim.conf': `hold = ${version}\n` } });
    await device.evt({ update: id, event: 'applied' });
  }
  autopilot.flies(true);
  await agent.line('vehicle unsafe');
  const file = () => {
    const { ino, ctimeMs } = statSync(join(device.etc, 'aim.conf'));
    return { ino, ctimeMs, contents: device.contents() };
  };
  const before = file();
  const asked = ['rollback', 'aim', '--yes', '--reason', 'it oscillates', '--settings', device.settings];
  t.match(await run(asked), { code: 3, stdout: 'waiting: it waits for vehicle, and is done by itself\n' });
  t.match(await device.reported(({ pending }) => pending?.waiting_for.join() === 'vehicle'), {
    ...{ running: { version: 2 }, pinned: { reason: 'it oscillates' } },
  });
  t.same(file(), before, 'not touched in the air');
  autopilot.flies(false);
  t.match(await device.evt({ event: 'rolled-back' }), { version: 2, changed: true });
  t.same(device.contents(), { 'aim.conf': 'hold = 1\n' });
  const over = await device.reported(({ pinned, pending }) => pinned !== null && pending === null);
  t.match(over, { running: { version: 1 }, pinned: { reason: 'it oscillates' } });
});
