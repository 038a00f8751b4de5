import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openRecording } from '../../../agent/host/recording.ts';
import { createTlogReader, recordedWire } from '../../../agent/vehicle/mavlink/recorded.ts';
import { manualClock } from '../../fixtures/manual-clock.ts';
import { FLIGHT, ourBytes } from '../../fixtures/mavlink.ts';
import { tlog } from '../../fixtures/tlog.ts';
import { until } from '../../fixtures/until.ts';

t.test('frames with their times, in any pieces, past damage', async (t) => {
  const [one, two] = [ourBytes('HEARTBEAT', { type: 2 }), ourBytes('ATTITUDE', { yaw: 1 })];
  const bytes = Buffer.concat([tlog([[1e15, one]]), Buffer.from('fdfe0102', 'hex'), tlog([[1e15 + 5e5, two]])]);
  const expected = [
    { timeUs: 1e15, raw: one },
    { timeUs: 1e15 + 5e5, raw: two },
  ];
  for (const piece of [1, 3, 8, 9, 1000]) {
    const reader = createTlogReader();
    const found = [];
    for (let at = 0; at < bytes.length; at += piece) {
      found.push(
        ...reader.read(bytes.subarray(at, at + piece)).map(({ timeUs, raw }) => ({ timeUs, raw: raw.slice() })),
      );
    }
    t.same(found, expected, `${piece} bytes at a time`);
  }
});

t.test('a real recording: times that grow, over three minutes', async (t) => {
  const flight = createTlogReader().read(readFileSync(FLIGHT));
  const seconds = ((flight.at(-1)?.timeUs ?? 0) - (flight[0]?.timeUs ?? 0)) / 1e6;
  t.ok(seconds > 200 && seconds < 210, `${seconds} s`);
  t.equal(flight.length, 23_894);
});

t.test('played in its own time, or faster, to its end', async (t) => {
  const path = join(t.testdir(), 'a.tlog');
  const frame = ourBytes('HEARTBEAT', { type: 2 });
  tlog(
    [
      [1e15, frame],
      [1e15 + 1e6, frame],
      [1e15 + 4e6, frame],
    ],
    path,
  );
  for (const speed of [1, 10]) {
    const clock = manualClock();
    const heard: string[] = [];
    const wire = recordedWire(path, { clock, wires: { recording: openRecording }, speed });
    wire.open({
      opened: () => void heard.push('opened'),
      bytes: (bytes) => void heard.push(`${bytes.length} at ${clock.bootMs()}`),
      ended: (why) => void heard.push(why),
    });
    await until('the first', () => heard.length === 2);
    for (let step = 0; step < 50; step += 1) {
      clock.advance(100 / speed);
      await new Promise(setImmediate);
    }
    await until('its end', () => heard.length === 5);
    const at = [0, 1000 / speed, 4000 / speed].map((ms) => `${frame.length} at ${ms}`);
    t.same(heard, ['opened', ...at, 'the recording is over'], `${speed} times as fast`);
  }
});

t.test('one that is not there, and one that is closed', async (t) => {
  const clock = manualClock();
  const heard: string[] = [];
  const events = {
    opened: () => void heard.push('opened'),
    bytes: () => {},
    ended: (why: string) => void heard.push(why),
  };
  recordedWire('/nowhere/a.tlog', { clock, wires: { recording: openRecording }, speed: 1 }).open(events);
  await until('its end', () => heard.length === 1);
  t.match(heard, [/^\/nowhere\/a\.tlog: recording: ENOENT$/]);
  const path = join(t.testdir(), 'b.tlog');
  const frame = ourBytes('HEARTBEAT', { type: 2 });
  tlog(
    [
      [1e15, frame],
      [1e15 + 1e6, frame],
    ],
    path,
  );
  const close = recordedWire(path, { clock, wires: { recording: openRecording }, speed: 1 }).open(events);
  await until('the first', () => heard.length === 2);
  close();
  close();
  t.same(heard.slice(1), ['opened', 'closed']);
});
