import { createSocket } from 'node:dgram';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import type { TrackFeature } from '../../agent/values/track.ts';
import { freeUdpPort } from '../fixtures/autopilot.ts';
import { errorM, lineOf } from '../fixtures/flights.ts';
import { degrees, freeTcpPort, sentence, startGpsd } from '../fixtures/gpsd.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import type { Owner } from '../fixtures/mosquitto.ts';
import { until } from '../fixtures/until.ts';

// gpsd itself and the built program: a flight that movement alone begins and ends, through a kill of either in the middle.

/** A step of the receiver, in its own time and in ours: ten times as fast as life. */
const STEP = { ms: 2_000, inMs: 200 } as const;
/** The smallest step of a place in NMEA: a ten-thousandth of a minute. */
const TICKS_PER_DEGREE = 600_000;

/** A place that was told, at the receiver's time. */
interface Told {
  readonly unixMs: number;
  readonly latDeg: number;
  readonly lonDeg: number;
  readonly altM: number;
}

/** A receiver that stands, or goes north in curves; while it is held its time stands still and it says nothing. */
function startReceiver(owner: Owner, port: number) {
  const socket = createSocket('udp4');
  const state = { moves: false, held: false, step: 0, way: 0 };
  const told: Told[] = [];
  const startMs = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
  const say = () => {
    if (state.held) return;
    state.step += 1;
    if (state.moves) state.way += 1;
    const unixMs = startMs + state.step * STEP.ms;
    const [latDeg, lonDeg] = [47.4 + state.way * 1e-4, 8.5 + Math.sin(state.way / 7) * 3e-4].map(
      (value) => Math.round(value * TICKS_PER_DEGREE) / TICKS_PER_DEGREE,
    );
    if (latDeg === undefined || lonDeg === undefined) return;
    told.push({ unixMs, latDeg, lonDeg, altM: 500.5 });
    const now = new Date(unixMs).toISOString();
    const time = now.slice(11, 23).replaceAll(':', '');
    const date = now.slice(2, 10).split('-').reverse().join('');
    const place = `${degrees(latDeg, 2)},N,${degrees(lonDeg, 3)},E`;
    const lines = [
      sentence(`GPGGA,${time},${place},1,12,0.8,500.5,M,48.0,M,,`),
      sentence('GPGSA,A,3,01,02,03,04,05,06,07,08,09,10,11,12,1.4,0.8,1.1'),
      sentence(`GPRMC,${time},A,${place},${state.moves ? '10.8' : '0.0'},0.0,${date},,,A`),
    ];
    socket.send(lines.join(''), port, '127.0.0.1');
  };
  const timer = setInterval(say, STEP.inMs);
  owner.teardown(() => {
    clearInterval(timer);
    socket.close();
  });
  return { state, told };
}

t.test(
  'a flight by movement: gpsd killed and back, then the agent killed and back',
  { timeout: 150_000 },
  async (t) => {
    const world = await lineWorld(t);
    const [port, receiverPort] = [await freeTcpPort(), await freeUdpPort()];
    const { state, told } = startReceiver(t, receiverPort);
    const gpsd = await startGpsd(t, port, receiverPort);
    const device = lineDevice(t, world, {
      id: 'drone-gpsd',
      settings: (text) => Object.assign(text, { vehicle: { gpsd: { connect: `tcp://127.0.0.1:${port}` } } }),
    });
    const base = `${device.root}/v1/dev/${device.id}`;
    const heard = (topic: string) =>
      world.watcher.seen.filter((seen) => seen.topic === `${base}/${topic}`).map(({ payload }) => payload.toString());
    const tracks = () => heard('track').map((text): TrackFeature => JSON.parse(text));
    const positions = () => heard('position').map((text) => JSON.parse(text));
    const agent = await device.start();
    await until('a position', () => positions().length > 0, 30_000);
    t.notOk(
      positions().some((position) => 'flight' in position),
      'it stands: no flight',
    );

    state.moves = true;
    await until('the first minute of a flight', () => tracks().length >= 1, 30_000);
    const { flight } = tracks()[0]?.properties ?? { flight: '' };

    gpsd.kill('SIGKILL');
    const goneAt = state.step;
    await until('some way that nobody hears of', () => state.step >= goneAt + 6);
    await startGpsd(t, port, receiverPort);
    await until(
      () => `a gap in ${JSON.stringify(tracks().map(({ properties }) => properties))}`,
      () => tracks().some(({ properties }) => properties.gaps_ms.length > 0),
      30_000,
    );

    const againAt = state.step;
    await until('a batch under way', () => state.step >= againAt + 8);
    // What came has a second to be kept: in the time of this receiver that is ten.
    state.held = true;
    await pause(1_500);
    await agent.stop('SIGKILL');
    const second = await device.start();
    const heldMs = told.at(-1)?.unixMs ?? 0;
    state.held = false;
    const onAgain = (position: { readonly unix_ms: number; readonly flight?: string }) =>
      position.unix_ms > heldMs + 10_000 && position.flight === flight;
    await until('the flight goes on', () => positions().some(onAgain), 30_000);
    state.moves = false;
    await until(
      () => `its end in ${JSON.stringify(tracks().map(({ properties }) => properties))}`,
      () => tracks().some(({ properties }) => properties.end === 'landed'),
      60_000,
    );
    t.equal((await second.stop()).code, 0);

    const all = tracks();
    const ours = [...new Map(all.map((track) => [track.properties.seq, track])).values()];
    t.same([...new Set(all.map(({ properties }) => properties.flight))], [flight], 'one flight');
    t.same(
      ours.map(({ properties }) => properties.seq),
      ours.map((_, n) => n + 1),
    );
    const ends = ours.map(({ properties }) => properties.end);
    t.equal(ends.filter((end) => end === 'interrupted').length, 1, `${ends}`);
    t.equal(ends.at(-1), 'landed');

    const line = lineOf(ours, flight);
    const gaps = ours.flatMap(({ properties }) => properties.gaps_ms);
    const [from, to] = [line[0]?.[3] ?? 0, line.at(-1)?.[3] ?? 0];
    const known = told.filter(
      ({ unixMs: ms }) => ms >= from && ms <= to && !gaps.some(([gone, back]) => ms > gone && ms < back),
    );
    const worst = known.reduce((most, { unixMs, ...place }) => {
      const rest = { unixMs, bootMs: unixMs, velocity: null, headingDeg: null, accuracyM: null };
      return Math.max(most, errorM(line, { ...place, ...rest }, 0));
    }, 0);
    t.ok(worst <= 1, `at most ${worst.toFixed(3)} m off at ${known.length} of ${told.length} positions`);
    t.ok(known.length > 50 && gaps.length >= 1, `${known.length} positions, gaps ${JSON.stringify(gaps)}`);

    const last = positions().at(-1);
    const place = { ...(told.at(-1) ?? { latDeg: 0, lonDeg: 0, altM: 0 }), bootMs: 0, unixMs: 0 };
    const rest = { velocity: null, headingDeg: null, accuracyM: null };
    t.ok(errorM([[last.lon, last.lat, last.alt_m, 0]], { ...place, ...rest }, 0) < 10, 'where it stands is known');
  },
);
