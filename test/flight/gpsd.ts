import { createSocket } from 'node:dgram';
import t from 'tap';
import { hostClock } from '../../agent/host/clock.ts';
import { tcpWire } from '../../agent/host/sockets.ts';
import type { PositionSample } from '../../agent/ports/vehicle.ts';
import { openGpsd } from '../../agent/vehicle/gpsd.ts';
import { freeUdpPort } from '../fixtures/autopilot.ts';
import { degrees, freeTcpPort, inView, sentence, startGpsd } from '../fixtures/gpsd.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import type { Owner } from '../fixtures/mosquitto.ts';
import { until } from '../fixtures/until.ts';

// gpsd itself, fed with NMEA over UDP by a made-up receiver.

/** A receiver on its way north, five times a second, with twelve satellites; without a fix it says so. */
function startReceiver(owner: Owner, port: number) {
  const socket = createSocket('udp4');
  const state = { fix: true, step: 0 };
  const timer = setInterval(() => {
    state.step += 1;
    const now = new Date();
    const [time, date] = [
      now.toISOString().slice(11, 23).replaceAll(':', ''),
      now.toISOString().slice(2, 10).split('-').reverse().join(''),
    ];
    const [lat, lon] = [degrees(47.4 + state.step * 1e-5, 2), degrees(8.5, 3)];
    const lines = state.fix
      ? [
          sentence(`GPGGA,${time},${lat},N,${lon},E,1,12,0.8,500.5,M,48.0,M,,`),
          ...[1, 2, 3].map((part) => sentence(`GPGSV,3,${part},12,${inView((part - 1) * 4)}`)),
          sentence('GPGSA,A,3,01,02,03,04,05,06,07,08,09,10,11,12,1.4,0.8,1.1'),
          sentence(`GPRMC,${time},A,${lat},N,${lon},E,10.8,0.0,${date},,,A`),
        ]
      : [sentence(`GPGGA,${time},,,,,0,00,,,M,,M,,`), sentence(`GPRMC,${time},V,,,,,,,${date},,,N`)];
    socket.send(lines.join(''), port, '127.0.0.1');
  }, 200);
  owner.teardown(() => {
    clearInterval(timer);
    socket.close();
  });
  return state;
}

t.test('gpsd for real: its positions, no fix, killed in mid-flight and back', { timeout: 90_000 }, async (t) => {
  const [port, receiverPort] = [await freeTcpPort(), await freeUdpPort()];
  const receiver = startReceiver(t, receiverPort);
  const clock = hostClock();
  const source = openGpsd({
    ...{ clock, wire: tcpWire('127.0.0.1', port), unit: () => 0.1, device: null, cannotMove: false },
  });
  const samples: PositionSample[] = [];
  source.feed.onSample((sample) => void samples.push(sample));
  t.teardown(source.start(() => {}));
  await until('it is not there yet', () => /ECONNREFUSED/.test(source.view(clock.bootMs()).wire));

  const first = await startGpsd(t, port, receiverPort);
  await until('ten positions', () => samples.length >= 10, 30_000);
  const [one, other] = [samples.at(-2), samples.at(-1)];
  t.ok(Math.abs((one?.latDeg ?? 0) - 47.4) < 0.1 && Math.abs((one?.lonDeg ?? 0) - 8.5) < 1e-6, JSON.stringify(one));
  t.ok(Math.abs((one?.altM ?? 0) - 500.5) < 0.1, `above the sea: ${one?.altM}`);
  t.ok(Math.abs((one?.velocity?.northMps ?? 0) - 5.56) < 0.1, `10.8 knots north: ${one?.velocity?.northMps}`);
  t.ok((other?.bootMs ?? 0) > (one?.bootMs ?? 0) && (other?.latDeg ?? 0) > (one?.latDeg ?? 0), 'it goes on');
  t.equal((other?.unixMs ?? 0) - (other?.bootMs ?? 0), (one?.unixMs ?? 0) - (one?.bootMs ?? 0), 'one clock');
  await until('how many satellites', () => source.feed.fix()?.satellites !== null);
  t.equal(source.feed.fix()?.kind, '3d');
  t.equal(source.state(clock.bootMs()).safety, 'unknown');

  first.kill('SIGKILL');
  await until('its end', () => source.view(clock.bootMs()).wire !== 'open');
  const before = samples.length;
  await startGpsd(t, port, receiverPort);
  await until('more positions', () => samples.length > before + 5, 30_000);
  t.ok(
    samples.every(({ bootMs }, index) => index === 0 || bootMs >= (samples[index - 1]?.bootMs ?? 0)),
    `its time went on meanwhile: ${samples.map(({ bootMs }) => bootMs)}`,
  );

  receiver.fix = false;
  await until('no fix', () => source.feed.fix()?.kind === 'none');
  const last = samples.length;
  const told = source.feed.seen().messages;
  await until('more reports', () => source.feed.seen().messages > told + 10);
  t.ok(samples.length <= last + 1, 'without a fix there is no position');
});

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
