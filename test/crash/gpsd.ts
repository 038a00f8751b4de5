import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { hostClock } from '../../agent/host/clock.ts';
import { tcpWire } from '../../agent/host/sockets.ts';
import type { PositionSample } from '../../agent/ports/vehicle.ts';
import { openWhereabouts } from '../../agent/telemetry/whereabouts.ts';
import { parseTrackFeature, type TrackFeature } from '../../agent/values/track.ts';
import { openGpsd } from '../../agent/vehicle/gpsd.ts';
import { freeUdpPort } from '../fixtures/autopilot.ts';
import { bundle } from '../fixtures/bundle.ts';
import { errorM, lineOf } from '../fixtures/flights.ts';
import { freeTcpPort, RECEIVER_MPS, startGpsd, startReceiver } from '../fixtures/gpsd.ts';
import type { Owner } from '../fixtures/mosquitto.ts';
import { openProof } from '../fixtures/proof.ts';
import { until } from '../fixtures/until.ts';

// gpsd itself, fed with NMEA over UDP by a made-up receiver, killed in mid-flight and started anew, again and again.

const proof = openProof(t);
t.setTimeout(proof.full ? 3_600_000 : 120_000);
const KILLS = proof.rounds(2, 40);
const M_PER_DEG = 111_195;
/** NMEA says a ten-thousandth of a minute: 0.19 m. */
const ROUNDED_M = 0.2;

/** Flies with a gpsd of its own: what is heard of it, and what goes to the fleet for it. */
async function flyWith(owner: Owner, openSource: typeof openGpsd) {
  const [port, receiverPort] = [await freeTcpPort(), await freeUdpPort()];
  const receiver = startReceiver(owner, receiverPort);
  const clock = hostClock();
  const source = openSource({
    ...{ clock, wire: tcpWire('127.0.0.1', port), unit: () => 0.1, device: null, cannotMove: false },
  });
  const { feed } = source;
  const samples: PositionSample[] = [];
  const features: TrackFeature[] = [];
  const backMs: number[] = [];
  feed.onSample((sample) => void samples.push(sample));
  let flights = 0;
  const stop = openWhereabouts({
    ...{ feed, clock, errorM: 1, byMovement: true, left: null, log: { say: () => {} } },
    name: () => {
      flights += 1;
      return `f${flights}`;
    },
    say(lane, body) {
      const feature = lane === 'track' ? parseTrackFeature(JSON.parse(JSON.stringify(body))) : null;
      if (feature !== null) features.push(feature);
    },
    keep: () => {},
    alarm: () => {},
  }).start();
  owner.teardown(source.start(() => {}));
  const wire = () => source.view(clock.bootMs()).wire;
  await until('it is not there yet', () => /ECONNREFUSED/.test(wire()));
  let gpsd = await startGpsd(owner, port, receiverPort);
  await until('it flies', () => flights === 1 && samples.length >= 10, 30_000);
  const fliesOn = async (positions: number) => {
    const flown = samples.length + positions;
    await until('it flies on', () => samples.length >= flown, 30_000);
  };
  return {
    ...{ receiver, clock, source, feed, samples, features, backMs, fliesOn, stop },
    flights: () => flights,
    /** Kills gpsd in mid-flight, and starts it anew. */
    async kill() {
      await fliesOn(3 + proof.below(10));
      const over = once(gpsd, 'exit');
      gpsd.kill(proof.pick(['SIGKILL', 'SIGKILL', 'SIGTERM']));
      await over;
      await until('its end', () => wire() !== 'open');
      // Not there for a while: any length of that is part of what is tried.
      await pause(proof.below(1_500));
      const startedMs = performance.now();
      gpsd = await startGpsd(owner, port, receiverPort);
      await fliesOn(1);
      backMs.push(performance.now() - startedMs);
    },
  };
}

t.test(`killed ${KILLS} times in mid-flight: one flight, in order, where the receiver was`, async (t) => {
  const flying = await flyWith(t, openGpsd);
  const { receiver, clock, source, feed, samples, features, backMs } = flying;
  const one = samples.at(-1);
  t.ok(Math.abs((one?.altM ?? 0) - 500.5) < 0.1, `above the sea: ${one?.altM}`);
  t.ok(Math.abs((one?.velocity?.northMps ?? 0) - RECEIVER_MPS) < 0.1, `20 knots north: ${one?.velocity?.northMps}`);
  await until('how many satellites', () => feed.fix()?.satellites !== null);
  t.equal(feed.fix()?.kind, '3d');
  t.equal(source.state(clock.bootMs()).safety, 'unknown');
  for (let kill = 0; kill < KILLS; kill += 1) await flying.kill();
  await flying.fliesOn(5);
  flying.stop();

  const inOrder = samples.every(({ bootMs }, n) => n === 0 || bootMs >= (samples[n - 1]?.bootMs ?? 0));
  t.ok(inOrder, 'its time went on meanwhile');
  // Before gpsd has heard the date it may report with a time of its own.
  const told = samples.filter(({ unixMs }) => receiver.told.has(unixMs));
  t.ok(samples.length - told.length <= 2 * (KILLS + 1), `${told.length} of ${samples.length} bear the receiver's time`);
  const offM = told.map(({ unixMs, latDeg, lonDeg }) =>
    Math.hypot((latDeg - (receiver.told.get(unixMs) ?? 0)) * M_PER_DEG, (lonDeg - 8.5) * M_PER_DEG),
  );
  t.ok(Math.max(...offM) < ROUNDED_M, `${Math.max(...offM)} m from where the receiver was`);
  const names = features.map(({ properties: { flight, seq } }) => `${flight} ${seq}`);
  t.same(
    names,
    names.map((_, n) => `f1 ${n + 1}`),
    'one flight, its batches in order',
  );
  const [first] = features;
  const startMs = first?.geometry.coordinates[0]?.[3] ?? 0;
  const offsetMs = startMs - (first?.properties.boot_ms ?? 0);
  const line = lineOf(features, 'f1');
  const errors = samples
    .filter(({ bootMs }) => bootMs + offsetMs >= startMs)
    .map((sample) => errorM(line, sample, offsetMs));
  const within = errors.every((metres) => metres <= 1);
  t.ok(within, `the track is right to ${Math.max(...errors)} m at ${errors.length} positions`);
  proof.figure('kills', KILLS, '1');
  proof.figure('flights', flying.flights(), '1');
  proof.figure('positions', samples.length, '1');
  proof.figure('worst-from-the-receiver', Math.round(Math.max(...offM) * 100) / 100, 'm');
  proof.figure('slowest-back-after-a-start', Math.round(Math.max(...backMs)), 'ms');

  receiver.fix = false;
  await until('no fix', () => feed.fix()?.kind === 'none');
  const last = samples.length;
  const messages = feed.seen().messages;
  await until('more reports', () => feed.seen().messages > messages + 10);
  t.ok(samples.length <= last + 1, 'without a fix there is no position');
});

t.test('the same finds a source whose clock begins anew with each connection', async (t) => {
  const file = 'agent/vehicle/gpsd.ts';
  const program = await bundle(join(import.meta.dirname, '..', '..', file), [
    { file, from: 'const time = {', to: 'const base = { ms: 0 }; const time = {' },
    { file, from: 'return unixMs;', to: 'return unixMs - base.ms;' },
    { file, from: "own.wire = 'open';", to: "own.wire = 'open'; base.ms = Math.max(0, time.lastMs);" },
  ]);
  const faulty: { readonly openGpsd: typeof openGpsd } = await import(program);
  const flying = await flyWith(t, faulty.openGpsd);
  await flying.kill();
  await until('another flight', () => flying.flights() > 1, 30_000);
  flying.stop();
  t.ok(flying.flights() > 1, `${flying.flights()} flights`);
});
