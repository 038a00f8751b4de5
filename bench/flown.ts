import { gzipSync } from 'node:zlib';
import type { PositionSample } from '../agent/ports/vehicle.ts';
import { figure } from './say.ts';

/** What MQTT adds to topic and payload with QoS 1, and what comes back for it; then TCP and IP for the packet and its acknowledgement. */
const PACKET_BYTES = 7 + 4 + 2 * 40;
const TOPIC_BYTES = 'fleet/v1/dev/drone-7/position'.length;
const GOAL = 50;
const BATCH_MS = 60_000;
const RAW_PER_HOUR = 36_000;
const HOUR_MS = 3_600_000;

/** A message that went out. */
export interface Sent {
  readonly lane: string;
  readonly bytes: number;
}

/** A flight: what came in, what went out for it, and how long it lasted. */
export interface Flown {
  readonly name: string;
  readonly samples: readonly PositionSample[];
  readonly sent: readonly Sent[];
  readonly flownMs: number;
}

function rawOf({ bootMs, latDeg, lonDeg, altM, velocity, headingDeg, accuracyM, unixMs }: PositionSample): string {
  return JSON.stringify({
    ...{ time_boot_ms: bootMs, unix_ms: unixMs, lat_deg: latDeg, lon_deg: lonDeg, alt_m: altM },
    ...{ ...velocity, headingDeg, accuracyM },
  });
}

const kB = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;

/** Says what a flight-hour of it costs on the wire, beside its raw positions. */
export function sayCost({ name, samples, sent, flownMs }: Flown): void {
  const hours = flownMs / HOUR_MS;
  const wrapped = (bytes: number) => bytes + TOPIC_BYTES + PACKET_BYTES;
  const spanH = ((samples.at(-1)?.bootMs ?? 0) - (samples[0]?.bootMs ?? 0)) / HOUR_MS;
  const rawBytes = samples.reduce((sum, sample) => sum + rawOf(sample).length, 0) / samples.length;
  const rawHour = RAW_PER_HOUR * wrapped(rawBytes);
  const minutes = new Map<number, string[]>();
  for (const sample of samples) {
    const minute = Math.floor(sample.bootMs / BATCH_MS);
    minutes.set(minute, [...(minutes.get(minute) ?? []), rawOf(sample)]);
  }
  const zipped = [...minutes.values()].reduce((sum, batch) => sum + wrapped(gzipSync(`[${batch}]`).length), 0) / spanH;
  const of = (lane: string) => {
    const bytes = sent.filter((one) => one.lane === lane).map((one) => one.bytes);
    const sum = bytes.reduce((all, one) => all + wrapped(one), 0);
    return { perHour: sum / hours, words: `${kB(sum / hours)} (${(bytes.length / hours).toFixed(0)} messages)` };
  };
  const [track, position] = [of('track'), of('position')];
  const ours = track.perHour + position.perHour;
  const ratio = rawHour / ours;
  console.log(
    `${name}: a flight-hour of raw 10 Hz JSON ${kB(rawHour)}, its samples (${(samples.length / spanH / 3600).toFixed(1)} Hz) as gzip ` +
      `batches of a minute ${kB(zipped)}; of track ${track.words}, of position ${position.words}`,
  );
  console.log(
    `RATIO ${name}: raw to track and position with overhead ${kB(rawHour)} / ${kB(ours)} = ${ratio.toFixed(1)} ` +
      `(goal ${GOAL}: ${ratio >= GOAL ? 'within the goal' : 'below the goal'})`,
  );
  const [short = name] = name.split(' ');
  figure(`flight-hour-${short}`, (ours / 1000).toFixed(0), 'kB');
  figure(`flight-hour-${short}-of-raw`, `1/${ratio.toFixed(1)}`, '1');
}
