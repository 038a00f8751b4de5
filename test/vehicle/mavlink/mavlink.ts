import { MavLinkPacketSignature } from 'node-mavlink';
import t from 'tap';
import { sha256 } from '../../../agent/host/chance.ts';
import type { PositionSample, Reply, Wire, WireEvents } from '../../../agent/ports/vehicle.ts';
import { type MavlinkInput, openMavlink } from '../../../agent/vehicle/mavlink/mavlink.ts';
import { MESSAGES, readField } from '../../../agent/vehicle/mavlink/messages.ts';
import { sign } from '../../../agent/vehicle/mavlink/signature.ts';
import { manualClock } from '../../fixtures/manual-clock.ts';
import { ourBytes, ourFrames } from '../../fixtures/mavlink.ts';

const STREAMS = [{ id: MESSAGES.GLOBAL_POSITION_INT.id, hz: 10 }];

/** A source on a wire that the test speaks on. */
function scene(more: Partial<MavlinkInput> = {}, datagrams = true) {
  const clock = manualClock();
  const opened: WireEvents[] = [];
  const sent: Uint8Array[] = [];
  const wire: Wire = {
    name: 'a wire',
    datagrams,
    open(events) {
      opened.push(events);
      events.opened();
      return () => {};
    },
  };
  const source = openMavlink({
    ...{ clock, sha256, wire, system: 1, disarmedIsEnough: false, again: true, streams: STREAMS, key: null },
    unit: () => 0,
    ...more,
  });
  const samples: PositionSample[] = [];
  const flights: boolean[] = [];
  source.feed.onSample((sample) => void samples.push(sample));
  source.feed.onFlight((flying) => void flights.push(flying));
  const moved = { count: 0 };
  const stop = source.start(() => {
    moved.count += 1;
  });
  const reply: Reply = (bytes) => void sent.push(bytes);
  const say = (bytes: Uint8Array, from: Reply = reply) => opened.at(-1)?.bytes(bytes, from);
  const asked = () => sent.flatMap((bytes) => ourFrames(bytes));
  return { clock, source, samples, flights, moved, stop, say, sent, asked, opened };
}

const beat = (armed = false, more: Readonly<Record<string, number>> = {}) =>
  ourBytes('HEARTBEAT', { type: 2, autopilot: 12, system_status: 3, base_mode: armed ? 128 : 0, ...more });
const LANDED = ourBytes('EXTENDED_SYS_STATE', { landed_state: 1 });
const position = (time_boot_ms: number) =>
  ourBytes('GLOBAL_POSITION_INT', { time_boot_ms, lat: 474_000_000, lon: 85_000_000 });
const ack = (result: number) => ourBytes('COMMAND_ACK', { command: 511, result });

t.test('the gate, the way and the flights, out of one stream', async (t) => {
  const { clock, source, samples, flights, moved, say } = scene();
  t.equal(source.name, 'mavlink a wire system 1');
  for (let second = 0; second <= 6; second += 1) {
    say(Buffer.concat([beat(), LANDED, position(second * 1000)]));
    clock.advance(1000);
  }
  t.equal(source.state(clock.bootMs()).safety, 'safe');
  t.equal(moved.count, 14);
  t.equal(samples.length, 7);
  t.same(flights, [false], 'it does not fly: the first heartbeat says so');
  say(beat(true));
  t.same(source.state(clock.bootMs()), { safety: 'unsafe', reason: 'armed' });
  say(beat(true));
  say(beat());
  t.same(flights, [false, true, false]);
  t.match(source.feed.seen(), { messages: 24, lastBootMs: 7000 });
  t.match(source.view(clock.bootMs()), { wire: 'open', armed: false, refused: 0 });
});

t.test('the bytes of everybody are counted, the messages of the vehicle alone', async (t) => {
  const { source, say } = scene();
  const station = ourBytes('HEARTBEAT', { type: 6, autopilot: 8 }, { system: 255, component: 190 });
  say(station);
  t.same(source.feed.seen(), { messages: 0, bytes: station.length, lastBootMs: null });
});

t.test('it asks as component 191 of the vehicle itself, and only once the vehicle is there', async (t) => {
  const { clock, say, asked, stop } = scene();
  clock.advance(5000);
  t.same(asked(), []);
  say(beat());
  clock.advance(1000);
  const [first] = asked();
  t.match(first, { version: 2, system: 1, component: 191, id: MESSAGES.COMMAND_LONG.id });
  const read = (name: keyof (typeof MESSAGES)['COMMAND_LONG']['fields']) =>
    first === undefined ? null : readField(first.payload, MESSAGES.COMMAND_LONG.fields[name]);
  t.same(
    [read('command'), read('param1'), read('param2'), read('target_system'), read('target_component')],
    [511, 33, 100_000, 1, 1],
  );
  say(ack(0));
  clock.advance(1000);
  say(position(1));
  say(beat());
  t.equal(asked().length, 1);
  clock.advance(3001);
  t.equal(asked().length, 1, 'a vehicle that is away is not asked');
  say(beat());
  clock.advance(1000);
  t.equal(asked().length, 2, 'when it is back it is asked anew');
  t.same(
    asked().map(({ seq }) => seq),
    [0, 1],
  );
  stop();
});

t.test('a vehicle that speaks version 1 is asked in version 1; one that only listens asks nothing', async (t) => {
  const old = scene();
  old.say(ourBytes('HEARTBEAT', { type: 2, autopilot: 12, system_status: 3 }, { version: 1 }));
  old.clock.advance(1000);
  t.equal(old.asked()[0]?.version, 1);
  const quiet = scene({ streams: [] });
  quiet.say(beat());
  quiet.clock.advance(60_000);
  t.same(quiet.sent, []);
});

t.test('the answer goes to where the vehicle speaks from, not to who spoke last', async (t) => {
  const { clock, say, sent } = scene();
  const others: Uint8Array[] = [];
  say(beat());
  say(ourBytes('HEARTBEAT', { type: 6, autopilot: 8 }, { system: 255 }), (bytes) => void others.push(bytes));
  clock.advance(1000);
  t.same([sent.length, others.length], [1, 0]);
});

t.test('an autopilot that starts anew: time, gate and requests begin again', async (t) => {
  const { clock, source, samples, say, asked } = scene();
  say(Buffer.concat([beat(), LANDED, position(600_000)]));
  clock.advance(1000);
  say(ack(0));
  say(position(601_000));
  clock.advance(1000);
  say(Buffer.concat([position(200), beat()]));
  t.equal(source.state(clock.bootMs()).reason, 'the autopilot started anew 0 s ago');
  clock.advance(1000);
  t.equal(asked().length, 2);
  t.same(
    samples.map(({ bootMs, unixMs }) => [bootMs, unixMs - clock.wallMs()]),
    [
      [600_000, -3000],
      [601_000, -2000],
      [200, -1000],
    ],
  );
});

t.test('signed: only what is signed with the key counts, and so do we sign', async (t) => {
  const key = MavLinkPacketSignature.key('a secret');
  const { clock, source, say, sent } = scene({ key });
  const signed = (bytes: Uint8Array, wallMs: number) => sign(bytes, { key, link: 0, sha256 }, wallMs);
  for (let second = 0; second <= 6; second += 1) {
    const nowMs = clock.wallMs();
    say(Buffer.concat([signed(beat(), nowMs), signed(LANDED, nowMs + 1), beat(true)]));
    clock.advance(1000);
  }
  t.equal(source.state(clock.bootMs()).safety, 'safe', 'an unsigned heartbeat says nothing');
  t.equal(source.view(clock.bootMs()).refused, 7);
  const stamps = sent.map((bytes) => Buffer.from(bytes).readUIntLE(bytes.length - 12, 6));
  t.ok(stamps.length > 1 && stamps.every((stamp, index) => index === 0 || stamp > (stamps[index - 1] ?? 0)));
  t.ok(sent.flatMap((bytes) => ourFrames(bytes)).every((frame) => frame.signed));
});

t.test('a stream that breaks off in mid-frame starts afresh', async (t) => {
  const { clock, source, say, opened } = scene({}, false);
  say(beat().subarray(0, 10));
  opened[0]?.ended('pulled out');
  t.equal(source.view(0).wire, 'pulled out');
  clock.advance(1000);
  t.equal(opened.length, 2);
  say(beat());
  t.equal(source.feed.seen().messages, 1);
});

t.test('a recording that is over is not begun again', async (t) => {
  const { clock, opened, source } = scene({ again: false });
  opened[0]?.ended('the recording is over');
  clock.advance(120_000);
  t.equal(opened.length, 1);
  t.equal(source.view(0).wire, 'the recording is over');
});
