import { readFileSync } from 'node:fs';
import type { PositionSample, VehicleFeed } from '../agent/ports/vehicle.ts';
import { openWhereabouts } from '../agent/telemetry/whereabouts.ts';
import { openMavlink } from '../agent/vehicle/mavlink/mavlink.ts';
import { createTlogReader } from '../agent/vehicle/mavlink/recorded.ts';
import { openVehicle } from '../agent/vehicle/vehicle.ts';
import { samplesOf, WAYS, type Way } from '../test/fixtures/flights.ts';
import { scriptedFeed } from '../test/fixtures/scripted-feed.ts';
import { type BenchClock, benchClock } from './clock.ts';
import { fewestPoints } from './fewest.ts';
import { type Flown, pointsOf, type Sent, sayCost } from './flown.ts';
import { figure } from './say.ts';

// What flights cost on the wire, beside their raw positions: made-up ones of an hour, and a recorded one.

const RECORDED = process.argv[2] ?? '';
const MADE_UP_S = 3_600;
const ERROR_M = 1;
const MADE_UP: readonly (readonly [string, Way])[] = [
  ['patrol (legs of 200 m at 12 m/s)', WAYS.race(12, 200)],
  ['circle (80 m, 12 m/s)', WAYS.circle(80, 12)],
  ['hover (wind and noise, 0.3 m)', WAYS.hover(0.3)],
];
const log = { say: () => {} };

/** Listens to what goes out for what a vehicle tells; the function that comes back ends it. */
function listen(feed: VehicleFeed, clock: BenchClock, sent: Sent[]) {
  return openWhereabouts({
    ...{ feed, clock, log, errorM: ERROR_M, byMovement: false, left: null },
    name: () => '20261122T011400Z-3f2a',
    say: (lane, body) => void sent.push({ lane, text: JSON.stringify(body) }),
    keep: () => {},
    alarm: () => {},
  }).start();
}

function madeUp(name: string, way: Way): Flown {
  const clock = benchClock();
  const sent: Sent[] = [];
  const { feed, give, fly } = scriptedFeed(clock);
  const stop = listen(feed, clock, sent);
  fly(true);
  const samples = samplesOf(way, MADE_UP_S).map(asToldByAutopilot);
  for (const sample of samples) {
    clock.advance(sample.bootMs - clock.bootMs());
    give(sample);
  }
  fly(false);
  stop();
  return { name, samples, sent, flownMs: MADE_UP_S * 1000 };
}

/** With a nose that points where it goes, in hundredths of a degree, and a velocity in cm/s. */
function asToldByAutopilot(sample: PositionSample): PositionSample {
  const { northMps = 0, eastMps = 0, downMps = 0 } = sample.velocity ?? {};
  const course = (Math.atan2(eastMps, northMps) * 180) / Math.PI;
  const inHundredths = (value: number) => Math.round(value * 100) / 100;
  return {
    ...sample,
    velocity: { northMps: inHundredths(northMps), eastMps: inHundredths(eastMps), downMps: inHundredths(downMps) },
    headingDeg: inHundredths((course + 360) % 360),
  };
}

async function recorded(path: string): Promise<Flown> {
  const clock = benchClock();
  const sent: Sent[] = [];
  const samples: PositionSample[] = [];
  const wire: { give(bytes: Uint8Array): void } = { give: () => {} };
  const source = openMavlink({
    ...{ clock, sha256: () => '', system: 1, disarmedIsEnough: false, again: false, streams: [], key: null },
    unit: () => 0,
    wire: {
      ...{ name: 'recorded', datagrams: true },
      open(events) {
        wire.give = (bytes) => events.bytes(bytes, () => {});
        queueMicrotask(events.opened);
        return () => {};
      },
    },
  });
  const vehicle = openVehicle(source, { clock, log });
  const { feed } = vehicle;
  const stop = listen(feed, clock, sent);
  vehicle.start();
  await Promise.resolve();
  const air: { firstUs: number | null; flownMs: number; armedMs: number | null; sent: number } = {
    ...{ firstUs: null, flownMs: 0, armedMs: null, sent: 0 },
  };
  const ofFlights: Sent[] = [];
  const land = () => {
    if (air.armedMs === null) return;
    air.flownMs += clock.bootMs() - air.armedMs;
    ofFlights.push(...sent.slice(air.sent));
  };
  // Told after those who speak: what is said at landing is there by then. What is said on the ground is no part of a flight-hour.
  feed.onFlight((flying) => {
    land();
    Object.assign(air, { armedMs: flying ? clock.bootMs() : null, sent: sent.length });
  });
  feed.onSample((sample) => {
    if (air.armedMs !== null) samples.push(sample);
  });
  for (const { timeUs, raw } of createTlogReader().read(readFileSync(path))) {
    air.firstUs ??= timeUs;
    clock.advance((timeUs - air.firstUs) / 1000 - clock.bootMs());
    wire.give(raw);
  }
  stop();
  land();
  return { name: 'recorded (vtol.tlog)', samples, sent: ofFlights, flownMs: air.flownMs };
}

for (const [name, way] of MADE_UP) sayCost(madeUp(name, way));
const flight = await recorded(RECORDED);
sayCost(flight);
const fewest = fewestPoints(flight.samples, ERROR_M);
console.log(
  `  the fewest of its samples that make a way within ${ERROR_M} m, for somebody who knows them all: ${fewest}`,
);
figure('flight-recorded-points', pointsOf(flight.sent).points, '1');
figure('flight-recorded-fewest-samples', fewest, '1');
