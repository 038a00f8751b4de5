import { gzipSync } from 'node:zlib';
import type { PositionSample } from '../agent/ports/vehicle.ts';
import type { Lane } from '../agent/values/lanes.ts';
import { TOPICS } from '../agent/values/topics.ts';
import { parseTrackFeature } from '../agent/values/track.ts';
import { figure } from './say.ts';

/** What MQTT adds to topic and payload, and what comes back for it. */
const MQTT_BYTES = { 0: 5, 1: 7 + 4 } as const;
/** TCP and IP, for the packet and its acknowledgement. */
const TCP_IP_BYTES = 2 * 40;
const DEVICE = 'fleet/v1/dev/drone-7/';
const GOAL = 50;
const BATCH_MS = 60_000;
const RAW_PER_HOUR = 36_000;
const HOUR_MS = 3_600_000;
const EVERY_MS = 10_000;

/** A message that went out. */
export interface Sent {
  readonly lane: Lane;
  readonly text: string;
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

/** What goes on the wire beside the text itself. */
function aroundBytes(lane: Lane, qos = TOPICS[lane].qos): number {
  return DEVICE.length + lane.length + MQTT_BYTES[qos] + TCP_IP_BYTES;
}

/** Raw positions go out as positions do, but with QoS 1, as tracks: a way out of them may have no holes. */
const RAW_AROUND_BYTES = aroundBytes('position', 1);

const kB = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** Points of the track, each once, and the bytes they take. */
export function pointsOf(sent: readonly Sent[]): { readonly points: number; readonly bytes: number } {
  const lines = sent.flatMap(({ lane, text }) => {
    const feature = lane === 'track' ? parseTrackFeature(JSON.parse(text)) : null;
    return feature === null ? [] : [feature.geometry.coordinates];
  });
  const repeated = Math.max(0, lines.length - 1);
  return {
    points: sumOf(lines.map(({ length }) => length)) - repeated,
    bytes: sumOf(lines.map((line) => JSON.stringify(line).length)),
  };
}

/** How many positions came before their ten seconds were over. */
function earlyOf(positions: readonly Sent[]): number {
  const times = positions.map(({ text }): number => JSON.parse(text).unix_ms);
  return times.filter((ms, n) => n > 0 && ms - (times[n - 1] ?? 0) < EVERY_MS).length;
}

/** What a flight-hour costs on the wire, beside its raw positions. */
export function costOf({ samples, sent, flownMs }: Flown) {
  const hours = flownMs / HOUR_MS;
  const rawBytes = sumOf(samples.map((sample) => rawOf(sample).length)) / samples.length;
  const rawHour = RAW_PER_HOUR * (rawBytes + RAW_AROUND_BYTES);
  const of = (lane: Lane) => {
    const messages = sent.filter((one) => one.lane === lane);
    const text = sumOf(messages.map((one) => one.text.length)) / hours;
    const around = (messages.length * aroundBytes(lane)) / hours;
    return { messages, text, around, perHour: text + around, count: (messages.length / hours).toFixed(0) };
  };
  const [track, position] = [of('track'), of('position')];
  const ours = track.perHour + position.perHour;
  return { rawHour, track, position, ours, ratio: rawHour / ours };
}

/** Says that, and what the parts of it are. */
export function sayCost(flown: Flown): void {
  const { name, samples, flownMs } = flown;
  const { rawHour, track, position, ours, ratio } = costOf(flown);
  const hours = flownMs / HOUR_MS;
  const spanH = ((samples.at(-1)?.bootMs ?? 0) - (samples[0]?.bootMs ?? 0)) / HOUR_MS;
  const minutes = new Map<number, string[]>();
  for (const sample of samples) {
    const minute = Math.floor(sample.bootMs / BATCH_MS);
    minutes.set(minute, [...(minutes.get(minute) ?? []), rawOf(sample)]);
  }
  const zipped = sumOf([...minutes.values()].map((batch) => gzipSync(`[${batch}]`).length + aroundBytes('track')));
  const line = pointsOf(track.messages);
  const inLine = line.bytes / hours;
  const rate = samples.length / spanH / 3600;
  console.log(
    `${name}, ${(flownMs / 1000).toFixed(0)} s, ${samples.length} samples (${rate.toFixed(1)} Hz): a flight-hour of raw 10 Hz JSON ` +
      `${kB(rawHour)} (at the rate of its samples ${kB((rawHour * rate) / 10)}), its samples as gzip batches of a minute ${kB(zipped / spanH)}`,
  );
  console.log(
    `  track ${kB(track.perHour)}: ${kB(inLine)} of points (${line.points} kept), ${kB(track.text - inLine)} of names and properties, ` +
      `${kB(track.around)} of topic, MQTT, TCP and IP (${track.count} messages)`,
  );
  console.log(
    `  position ${kB(position.perHour)}: ${kB(position.text)} of text, ${kB(position.around)} of topic, MQTT, TCP and IP ` +
      `(${position.count} messages; of ${position.messages.length} flown ${earlyOf(position.messages)} before 10 s were over)`,
  );
  console.log(
    `RATIO ${name}: raw to track and position with overhead ${kB(rawHour)} / ${kB(ours)} = ${ratio.toFixed(1)} ` +
      `(goal ${GOAL}: ${ratio >= GOAL ? 'within the goal' : 'below the goal'})`,
  );
  const [short = name] = name.split(' ');
  figure(`flight-hour-${short}`, (ours / 1000).toFixed(0), 'kB');
  figure(`flight-hour-${short}-of-raw`, `1/${ratio.toFixed(1)}`, '1');
}
