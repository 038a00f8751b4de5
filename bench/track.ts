import { readFileSync } from 'node:fs';
import type { PositionSample } from '../agent/ports/vehicle.ts';
import { openMavlink } from '../agent/vehicle/mavlink/mavlink.ts';
import { createTlogReader } from '../agent/vehicle/mavlink/recorded.ts';
import { openVehicle } from '../agent/vehicle/vehicle.ts';
import { benchClock } from './clock.ts';
import { fewestPoints } from './fewest.ts';
import { type Flown, pointsOf, type Sent, sayCost } from './flown.ts';
import { ERROR_M, listen, MADE_UP, madeUp } from './made-up.ts';
import { figure } from './say.ts';

// What flights cost on the wire, beside their raw positions: made-up ones of an hour, and a recorded one.

const RECORDED = process.argv[2] ?? '';
const log = { say: () => {} };

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
