import { createRequire } from 'node:module';
import t from 'tap';
import { openMeter, packetBytes } from '../../agent/link/meter.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

t.test('bytes an hour as of the last ten minutes', async (t) => {
  const clock = manualClock();
  const meter = openMeter(clock);
  t.equal(meter.perHour(), 0);
  meter.count(100);
  t.equal(meter.perHour(), 6_000, 'a hundred bytes in the first minute');
  for (let minute = 0; minute < 30; minute += 1) {
    meter.count(1_000);
    clock.advance(60_000);
  }
  t.equal(meter.perHour(), 54_000, 'nine whole minutes and one that has just begun');
  clock.advance(3_600_000);
  t.equal(meter.perHour(), 0, 'and nothing of what is over');
});

t.test('a message is as long as MQTT.js makes it', async (t) => {
  const { generate } = createRequire(createRequire(import.meta.url).resolve('mqtt'))('mqtt-packet');
  for (const length of [0, 1, 100, 121, 122, 123, 16_000, 16_380, 16_384, 3_000_000]) {
    for (const qos of [0, 1] as const) {
      const [topic, payload] = ['fleet/v1/hé', 'ü'.repeat(length)];
      const packet = { cmd: 'publish', topic, payload, qos, messageId: 7, retain: false, dup: false } as const;
      t.equal(packetBytes(topic, payload, qos), generate(packet).length, `${length} letters, QoS ${qos}`);
    }
  }
});
