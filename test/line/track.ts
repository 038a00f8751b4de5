import { readFileSync } from 'node:fs';
import t from 'tap';
import type { TrackFeature } from '../../agent/values/track.ts';
import { createTlogReader } from '../../agent/vehicle/mavlink/recorded.ts';
import { errorM, lineOf } from '../fixtures/flights.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { run } from '../fixtures/locksmith.ts';
import { FLIGHT, theirPackets } from '../fixtures/mavlink.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { until } from '../fixtures/until.ts';

/** How much faster than in life the flight is played. */
const SPEED = 50;

// A flight that node-mavlink ships, through the built program and a real broker.
t.test(
  'a real flight: right to a metre at every position that was sent, and the map of it on the device',
  async (t) => {
    const world = await lineWorld(t);
    const device = lineDevice(t, world, {
      id: 'drone-vtol',
      settings: (text) => Object.assign(text, { vehicle: { mavlink: { file: FLIGHT, system: 1, speed: SPEED } } }),
    });
    const base = `${device.root}/v1/dev/${device.id}`;
    const heard = (topic: string) =>
      world.watcher.seen.filter((seen) => seen.topic === `${base}/${topic}`).map(({ payload }) => payload.toString());
    const agent = await device.start();
    await until('two batches', () => heard('track').length >= 2, 60_000);
    t.equal((await agent.stop()).code, 0);

    const features = heard('track').map((text): TrackFeature => JSON.parse(text));
    const [first] = features;
    const flight = first?.properties.flight ?? '';
    const ours = features.filter(({ properties }) => properties.flight === flight);
    t.same(
      ours.map(({ properties }) => properties.seq),
      ours.map((_, n) => n + 1),
      'in order, each once, the last when the agent left or it had landed',
    );
    const line = lineOf(ours, flight);
    const offsetMs = (first?.geometry.coordinates[0]?.[3] ?? 0) - (first?.properties.boot_ms ?? 0);
    const [from, to] = [line[0]?.[3] ?? 0, line.at(-1)?.[3] ?? 0];

    const bytes = Buffer.concat(
      createTlogReader()
        .read(readFileSync(FLIGHT))
        .map(({ raw }) => raw),
    );
    let compared = 0;
    let worst = 0;
    for (const { header, payload } of await theirPackets(bytes)) {
      if (header.msgid !== 33 || header.sysid !== 1 || header.compid !== 1) continue;
      const bootMs = payload.readUInt32LE(0);
      if (bootMs + offsetMs < from || bootMs + offsetMs > to) continue;
      compared += 1;
      const place = {
        ...{ latDeg: payload.readInt32LE(4) / 1e7, lonDeg: payload.readInt32LE(8) / 1e7 },
        altM: payload.readInt32LE(12) / 1000,
      };
      const still = { unixMs: 0, velocity: null, headingDeg: null, accuracyM: null };
      worst = Math.max(worst, errorM(line, { ...place, ...still, bootMs }, offsetMs));
    }
    t.ok(worst <= 1 && worst > 0.5, `worst of ${compared}: ${worst.toFixed(3)} m`);
    t.ok(compared > 200 && line.length < compared / 2, `${line.length} points for ${compared}`);

    const late = await mosquittoSub(t, world.broker, [`${base}/position`]);
    const last = JSON.parse((await late.next(() => true)).payload.toString());
    t.match(last, { _type: 'location', fix: '3d' }, 'where it is, for who looks later');

    const list = JSON.parse((await run(['track', '--settings', device.settings, '--json'])).stdout);
    t.match(list, [{ flight, points: line.length }]);
    const gpx = (await run(['track', flight, '--gpx', '--settings', device.settings])).stdout;
    t.equal(gpx.match(/<trkpt /g)?.length, line.length);
  },
);
