import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { PositionSample } from '../agent/ports/vehicle.ts';
import { openWhereabouts } from '../agent/telemetry/whereabouts.ts';
import { openMavlink } from '../agent/vehicle/mavlink/mavlink.ts';
import { createTlogReader } from '../agent/vehicle/mavlink/recorded.ts';
import { openVehicle } from '../agent/vehicle/vehicle.ts';
import { benchClock } from './clock.ts';

// What a recorded flight costs on the wire, beside its raw positions.

const FLIGHT = process.argv[2] ?? '';
/** What MQTT adds to topic and payload with QoS 1, and what comes back for it; then TCP and IP for the packet and its acknowledgement. */
const PACKET_BYTES = 7 + 4 + 2 * 40;
const TOPIC_BYTES = 'fleet/v1/dev/drone-7/position'.length;
const GOAL = 50;
const BATCH_MS = 60_000;

const clock = benchClock();
const samples: PositionSample[] = [];
const said: { readonly lane: string; readonly bytes: number }[] = [];
const wire: { give(bytes: Uint8Array): void } = { give: () => {} };
const log = { say: () => {} };
const source = openMavlink({
  ...{
    clock,
    sha256: () => '',
    system: 1,
    disarmedIsEnough: false,
    again: false,
    streams: [],
    key: null,
    unit: () => 0,
  },
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
feed.onSample((sample) => void samples.push(sample));
const stop = openWhereabouts({
  ...{ feed, clock, errorM: 1, byMovement: false, left: null },
  log,
  name: () => '20261122T011400Z-3f2a',
  say: (lane, body) => void said.push({ lane, bytes: JSON.stringify(body).length }),
  keep: () => {},
  alarm: () => {},
}).start();
vehicle.start();
await Promise.resolve();

const air: { firstUs: number | null; flownMs: number; armedMs: number | null } = {
  firstUs: null,
  flownMs: 0,
  armedMs: null,
};
feed.onFlight((flying) => {
  if (flying) air.armedMs = clock.bootMs();
  else if (air.armedMs !== null) air.flownMs += clock.bootMs() - air.armedMs;
  if (!flying) air.armedMs = null;
});
for (const { timeUs, raw } of createTlogReader().read(readFileSync(FLIGHT))) {
  air.firstUs ??= timeUs;
  clock.advance((timeUs - air.firstUs) / 1000 - clock.bootMs());
  wire.give(raw);
}
stop();
if (air.armedMs !== null) air.flownMs += clock.bootMs() - air.armedMs;

const hours = air.flownMs / 3_600_000;
const rawOf = ({ bootMs, latDeg, lonDeg, altM, velocity, headingDeg, accuracyM, unixMs }: PositionSample) =>
  JSON.stringify({
    time_boot_ms: bootMs,
    unix_ms: unixMs,
    lat_deg: latDeg,
    lon_deg: lonDeg,
    alt_m: altM,
    ...velocity,
    headingDeg,
    accuracyM,
  });
const rawBytes = samples.reduce((sum, sample) => sum + rawOf(sample).length, 0) / samples.length;
const rawHour = 36_000 * (rawBytes + TOPIC_BYTES + PACKET_BYTES);
const batches = new Map<number, PositionSample[]>();
for (const sample of samples) {
  const minute = Math.floor(sample.bootMs / BATCH_MS);
  batches.set(minute, [...(batches.get(minute) ?? []), sample]);
}
const zipped = [...batches.values()].reduce(
  (sum, batch) => sum + gzipSync(`[${batch.map(rawOf).join(',')}]`).length + TOPIC_BYTES + PACKET_BYTES,
  0,
);
const of = (lane: string) => said.filter((one) => one.lane === lane);
const onWire = (lane: string) =>
  of(lane).reduce((sum, { bytes }) => sum + bytes + TOPIC_BYTES + PACKET_BYTES, 0) / hours;
const spanH = ((samples.at(-1)?.bootMs ?? 0) - (samples[0]?.bootMs ?? 0)) / 3_600_000;
const kB = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
const ours = onWire('track') + onWire('position');
console.log(
  `FIGURE flight: ${samples.length} positions in ${(spanH * 60).toFixed(1)} min, ${(air.flownMs / 60_000).toFixed(1)} min of them in the air`,
);
console.log(
  `FIGURE a flight-hour of raw 10 Hz JSON: ${kB(rawHour)};` +
    ` the same samples as gzip batches of a minute: ${kB(zipped / spanH)} at ${(samples.length / spanH / 3600).toFixed(1)} Hz`,
);
console.log(
  `FIGURE a flight-hour of track: ${kB(onWire('track'))} in ${of('track').length} batches here; of position: ${kB(onWire('position'))}`,
);
console.log(
  `RATIO raw to track and position with overhead: ${kB(rawHour)} / ${kB(ours)} = ${(rawHour / ours).toFixed(1)} ` +
    `(goal ${GOAL}: ${rawHour / ours >= GOAL ? 'within the goal' : 'below the goal'})`,
);
