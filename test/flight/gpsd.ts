import t from 'tap';
import { freeUdpPort } from '../fixtures/autopilot.ts';
import { freeTcpPort, startGpsd } from '../fixtures/gpsd.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';

t.test('a device with gpsd alone: nothing gated is applied, unless it cannot move', { timeout: 90_000 }, async (t) => {
  const world = await lineWorld(t);
  for (const cannotMove of [false, true]) {
    const port = await freeTcpPort();
    await startGpsd(t, port, await freeUdpPort());
    const device = lineDevice(t, world, {
      root: `gpsd-${cannotMove}`,
      settings: (text) =>
        void Object.assign(text, {
          vehicle: { gpsd: { connect: `tcp://127.0.0.1:${port}` }, cannot_move: cannotMove },
        }),
    });
    await device.start();
    const { id } = await device.push({ version: 1, files: { 'aim.conf': 'new\n' } });
    if (cannotMove) await device.evt({ update: id, event: 'applied' });
    else t.match((await device.evt({ update: id, event: 'waiting' })).reason, 'gpsd cannot tell whether it is armed');
    t.equal(device.contents()['aim.conf'], cannotMove ? 'new\n' : 'hold = 500\n');
  }
});
