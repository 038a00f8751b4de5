import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { subscriptionPackets } from '../../agent/link/subscriptions.ts';
import { examineSettings } from '../../agent/settings.ts';
import { addressesOf, TOPICS } from '../../agent/values/topics.ts';
import { NAME } from '../../agent/values/units.ts';
import { DOCUMENT_MAX_BYTES } from '../../agent/values/update.ts';
import { plainTrack, samplesOf, WAYS } from '../fixtures/flights.ts';

/** What brokers allow that are not run here, or as they are set when nobody sets them. Sources: the pages docs/brokers.md names. */
const LIMITS = {
  slashes: { 'AWS IoT Core': 7, EMQX: 127 },
  topicBytes: { 'AWS IoT Core': 256, HiveMQ: 65_535 },
  clientIdBytes: { 'AWS IoT Core': 128, EMQX: 65_535, HiveMQ: 65_535 },
  payloadBytes: { 'AWS IoT Core': 128 * 1024, EMQX: 2 ** 20, NATS: 2 ** 20, 'our Mosquitto sample': 262_144 },
  filtersInOnePacket: { 'AWS IoT Core': 8 },
  subscriptions: { 'AWS IoT Core': 50 },
} as const;

const strictest = (what: keyof typeof LIMITS) => Math.min(...Object.values(LIMITS[what]));
/** The longest name there can be. */
const LONGEST = 'x'.repeat(64);
/** As many as docs/brokers.md says. */
const GROUPS_MAX = 14;

t.test('every topic, with the longest names there can be, fits the strictest broker', async (t) => {
  t.match(LONGEST, NAME);
  t.notMatch(`${LONGEST}x`, NAME);
  for (const { pattern } of Object.values(TOPICS)) {
    const topic = pattern
      .replace('{address}', 'dev/{id}')
      .replaceAll('{layer}', 'shadow')
      .replaceAll(/\{\w+\}/g, LONGEST);
    t.ok(topic.split('/').length - 1 <= strictest('slashes'), pattern);
    t.ok(Buffer.byteLength(topic) <= strictest('topicBytes'), `${pattern}: ${Buffer.byteLength(topic)} bytes`);
    // NATS: a dot separates levels there, and a space is none of its letters.
    t.match(topic, /^[A-Za-z0-9_/-]+$/);
  }
  t.ok(LONGEST.length <= strictest('clientIdBytes'), 'the client id is the device id');
});

t.test('what a device subscribes to', async (t) => {
  const groups = Array.from({ length: GROUPS_MAX }, (_, n) => `g${n}`);
  const packets = subscriptionPackets({
    ...{ root: 'fleet', id: 'drone-7', addresses: addressesOf('drone-7', groups), configs: ['a', 'b'] },
    filters: 'wildcard',
  });
  t.ok(packets.every(({ length }) => length <= strictest('filtersInOnePacket')));
  t.equal(packets.flat().length, 3 * (GROUPS_MAX + 2) + 1);
  t.ok(packets.flat().length <= strictest('subscriptions'));
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'brokers.md'), 'utf8');
  t.match(page, `at most ${GROUPS_MAX} groups`, 'and the page says so');
});

t.test('what is sent', async (t) => {
  t.ok(DOCUMENT_MAX_BYTES <= strictest('payloadBytes'), 'an update');
  // The longest batch there can be: every point of a minute is kept.
  const track = plainTrack(0.05);
  track.fly(true);
  const batches = samplesOf(WAYS.hover(8), 180).flatMap((sample) => track.sample(sample, 0)?.feature ?? []);
  const largest = Math.max(...batches.map((feature) => JSON.stringify(feature).length));
  t.ok(
    batches.some(({ geometry }) => geometry.coordinates.length > 500),
    `nearly every point of ${batches.length} minutes`,
  );
  t.ok(largest <= strictest('payloadBytes'), `a batch of the track: ${largest} bytes`);
});

t.test('the keepalive that is set when nobody sets it is one that AWS IoT Core takes', async (t) => {
  const text = `device: { id: drone-7 }
broker: { urls: ["mqtts://broker:8883"] }
trust: { keys: /etc/locksmith/keys.json }
configs: { aim: { files: [ { path: /etc/aim/aim.conf } ] } }
`;
  const reading = examineSettings(text, 'agent.yaml');
  const keepaliveS = reading.kind === 'settings' ? reading.settings.broker.keepalive_s : 0;
  t.ok(keepaliveS >= 30 && keepaliveS <= 1200, `${keepaliveS} s`);
});
