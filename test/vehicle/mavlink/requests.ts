import t from 'tap';
import { MESSAGES } from '../../../agent/vehicle/mavlink/messages.ts';
import { createRequests, streamsOf } from '../../../agent/vehicle/mavlink/requests.ts';
import { ourFrame } from '../../fixtures/mavlink.ts';

const POSITION = MESSAGES.GLOBAL_POSITION_INT.id;
const GROUND = MESSAGES.EXTENDED_SYS_STATE.id;
const STREAMS = [
  { id: POSITION, hz: 10 },
  { id: GROUND, hz: 2 },
];
const open = () => {
  const requests = createRequests(STREAMS, { system: 7, component: 191 });
  requests.begin(0);
  return requests;
};
const ack = (result: number, more: Readonly<Record<string, number>> = {}) =>
  ourFrame('COMMAND_ACK', { command: 511, result, ...more }, { system: 7 });
const position = ourFrame('GLOBAL_POSITION_INT', { lat: 1 }, { system: 7 });
const ground = ourFrame('EXTENDED_SYS_STATE', { landed_state: 1 }, { system: 7 });

t.test('one after the other, each when the one before is answered', async (t) => {
  const requests = open();
  t.same(requests.next(0), {
    ...{ target_system: 7, target_component: 1, command: 511, confirmation: 0, param1: POSITION, param2: 100_000 },
  });
  t.equal(requests.next(100), null, 'not before the answer');
  requests.take(ack(0), 200);
  t.match(requests.next(200), { param1: GROUND, param2: 500_000 });
  requests.take(ack(0), 300);
  t.equal(requests.next(300), null, 'all is asked for');
  for (let ms = 300; ms < 60_000; ms += 500) {
    requests.take(position, ms);
    requests.take(ground, ms);
    t.equal(requests.next(ms), null);
  }
  t.same(requests.refused(), []);
});

t.test('a stream that falls silent for five seconds is asked for again, less and less often', async (t) => {
  const requests = open();
  for (let stream = 0; stream < 2; stream += 1) {
    requests.next(0);
    requests.take(ack(0), 0);
  }
  const asked: number[] = [];
  for (let ms = 1000; ms <= 200_000; ms += 1000) {
    requests.take(ground, ms);
    if (ms <= 10_000) requests.take(position, ms);
    const command = requests.next(ms);
    if (command === null) continue;
    t.equal(command.param1, POSITION);
    asked.push(ms);
    requests.take(ack(0), ms);
  }
  t.same(asked, [16_000, 21_000, 31_000, 51_000, 91_000, 151_000]);
  requests.take(position, 200_000);
  const again: number[] = [];
  for (let ms = 201_000; ms <= 220_000; ms += 1000) {
    requests.take(ground, ms);
    if (requests.next(ms) !== null) again.push(ms);
    requests.take(ack(0), ms);
  }
  t.same(again, [206_000, 211_000], 'once it came, it may be missed as soon as the first time');
});

t.test('no answer: three times, then the next', async (t) => {
  const requests = open();
  t.match(requests.next(0), { param1: POSITION, confirmation: 0 });
  t.equal(requests.next(999), null);
  t.match(requests.next(1000), { param1: POSITION, confirmation: 1 });
  t.match(requests.next(2000), { param1: POSITION, confirmation: 2 });
  t.match(requests.next(3000), { param1: GROUND, confirmation: 0 });
});

t.test('a no is a no, until the autopilot comes back; not now is asked again', async (t) => {
  const requests = open();
  requests.next(0);
  requests.take(ack(3), 0);
  t.same(requests.refused(), [POSITION]);
  requests.next(0);
  requests.take(ack(1), 0);
  t.equal(requests.next(500), null);
  t.match(requests.next(1000), { param1: GROUND }, 'not now');
  requests.take(ack(5), 1000);
  t.equal(requests.next(1500), null, 'being done');
  requests.take(ack(0), 1600);
  for (let ms = 2000; ms < 300_000; ms += 1000) {
    requests.take(ground, ms);
    t.equal(requests.next(ms), null);
  }
  requests.begin(300_000);
  t.match(requests.next(300_000), { param1: POSITION });
  t.same(requests.refused(), []);
});

t.test('answers to others are not ours', async (t) => {
  const requests = open();
  requests.next(0);
  requests.take(ack(3, { command: 512 }), 0);
  t.equal(requests.next(100), null);
  t.same(requests.refused(), []);
  const toOther = ourFrame('COMMAND_ACK', { command: 511, result: 3 }, { system: 7 });
  const payload = Uint8Array.of(...toOther.payload.slice(0, 3), ...new Uint8Array(5), 255, 190);
  requests.take({ ...toOther, payload }, 0);
  t.same(requests.refused(), [], 'it was for a ground station');
  requests.take({ ...toOther, payload: Uint8Array.of(...payload.slice(0, 8), 7, 191) }, 0);
  t.same(requests.refused(), [POSITION], 'it was for us');
});

t.test('what is wanted: nothing slower than its silence is noticed', async (t) => {
  const streams = streamsOf(25);
  t.equal(streams.find(({ id }) => id === POSITION)?.hz, 25);
  t.ok(streams.every(({ hz }) => hz >= 1));
  t.equal(streams[0]?.id, GROUND, 'what the gate needs comes first');
});
