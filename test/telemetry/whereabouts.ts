import t from 'tap';
import type { JournalRecord } from '../../agent/ports/journal.ts';
import { createTrackMemory, type OpenTrack } from '../../agent/telemetry/track-memory.ts';
import { openWhereabouts } from '../../agent/telemetry/whereabouts.ts';
import { costOf } from '../../bench/flown.ts';
import { MADE_UP, madeUp } from '../../bench/made-up.ts';
import { samplesOf, WAYS } from '../fixtures/flights.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { scriptedFeed } from '../fixtures/scripted-feed.ts';

/** Whereabouts over a feed moved by hand; `said` is what goes to the fleet. */
function bench(byMovement = false, left: OpenTrack | null = null) {
  const clock = manualClock();
  const feed = scriptedFeed(clock);
  const memory = createTrackMemory();
  const said: { readonly lane: string; readonly body: { readonly [key: string]: unknown } }[] = [];
  const alarms: unknown[] = [];
  const lines: string[] = [];
  let kept = 0;
  const keep = (records: readonly JournalRecord[]) => {
    kept += 1;
    for (const record of records) memory.fold(record);
  };
  let flights = 0;
  const whereabouts = openWhereabouts({
    ...{ feed: feed.feed, clock, errorM: 1, byMovement, left, keep },
    log: { say: (_level, line) => void lines.push(line) },
    name: () => {
      flights += 1;
      return `f${flights}`;
    },
    say(lane, body, records = []) {
      said.push({ lane, body: { ...body } });
      keep(records);
    },
    alarm: (event) => void alarms.push(event),
  });
  const of = (lane: string) => said.filter((one) => one.lane === lane).map(({ body }) => body);
  return { clock, feed, memory, said, of, alarms, lines, kept: () => kept, stop: whereabouts.start() };
}

t.test('a flight: positions on the way, a batch a minute and at landing, and where it stands then', async (t) => {
  const { feed, of, memory } = bench();
  feed.fly(true);
  for (const sample of samplesOf(WAYS.circle(80, 12), 90)) feed.give(sample);
  t.ok(memory.open() !== null, 'on record, for the case of a kill');
  const before = of('position').length;
  feed.fly(false);
  t.match(
    of('track').map(({ properties }) => properties),
    [
      { flight: 'f1', seq: 1, end: 'time' },
      { flight: 'f1', seq: 2, end: 'landed' },
    ],
  );
  t.equal(memory.open(), null);
  t.equal(of('position').length, before + 1);
  t.match(of('position').at(-1), { unix_ms: Date.UTC(2026, 0, 1) + 100_000 });
  t.match(of('position')[3], { flight: 'f1', fix: '3d' });
});

t.test('an hour of flight costs a fiftieth of its raw positions at most, as the bench counts it', async (t) => {
  for (const [name, way] of MADE_UP) {
    const { ratio } = costOf(madeUp(name, way));
    t.ok(ratio >= 50, `${name}: 1/${ratio.toFixed(1)}`);
  }
});

t.test('what comes again, or late, over another route is not where it is now', async (t) => {
  const { feed, of } = bench();
  feed.fly(true);
  const samples = samplesOf(WAYS.circle(80, 12), 60);
  for (const [n, sample] of samples.entries()) {
    feed.give(sample);
    const late = samples[n - 3];
    if (late !== undefined) feed.give(late);
  }
  feed.fly(false);
  const times = of('position').map(({ unix_ms: ms }) => Number(ms));
  t.same(
    times,
    [...new Set(times)].sort((a, b) => a - b),
  );
  t.equal(times.at(-1), Date.UTC(2026, 0, 1) + 70_000, 'nor where it has landed');
  t.match(of('track'), [{ properties: { raw_points: samples.length } }]);
  const [first] = samples;
  if (first === undefined) throw new Error('no sample');
  feed.give({ ...first, bootMs: 68_000 });
  t.equal(of('position').length, times.length);
  feed.give({ ...first, bootMs: 67_999 });
  t.equal(of('position').length, times.length + 1, 'what is two seconds back began anew');
});

t.test('every second what came of a batch is put on record, only if something came', async (t) => {
  const { clock, feed, kept } = bench();
  feed.fly(true);
  for (const sample of samplesOf(WAYS.circle(80, 12), 3)) feed.give(sample);
  const before = kept();
  clock.advance(5_000);
  t.equal(kept() - before, 1);
});

t.test(
  'a batch to which nothing comes any more goes out, and so does one under way when the agent leaves',
  async (t) => {
    const { clock, feed, of, stop } = bench();
    feed.fly(true);
    for (const sample of samplesOf(WAYS.circle(80, 12), 3)) feed.give(sample);
    clock.advance(61_000);
    t.match(of('track'), [{ properties: { seq: 1, end: 'time' } }]);
    for (const sample of samplesOf(WAYS.circle(80, 12), 3, 40_000)) feed.give(sample);
    stop();
    t.match(of('track')[1], { properties: { seq: 2, end: 'stopped' } });
    feed.fly(true);
    for (const sample of samplesOf(WAYS.circle(80, 12), 90, 90_000)) feed.give(sample);
    t.equal(of('track').length, 2, 'then nothing more');
  },
);

t.test('without arming a flight is what moves', async (t) => {
  const { feed, of } = bench(true);
  for (const sample of samplesOf(WAYS.hover(1), 30)) feed.give(sample);
  t.notOk(of('position').some((one) => 'flight' in one));
  for (const sample of samplesOf(WAYS.race(8, 500), 40, 41_000)) feed.give(sample);
  for (const sample of samplesOf(() => WAYS.race(8, 500)(81), 70, 82_000)) feed.give(sample);
  t.match(of('track').at(-1), { properties: { flight: 'f1', end: 'landed' } });
});

t.test('a vehicle that is silent is an alarm, once, until it is heard again', async (t) => {
  const { clock, feed, alarms, lines } = bench();
  clock.advance(59_000);
  t.same(alarms, []);
  clock.advance(2_000);
  t.match(alarms, [{ event: 'alarm', reason: /^the vehicle is silent: nothing was heard of it for 1 min$/ }]);
  clock.advance(600_000);
  t.equal(alarms.length, 1);
  feed.hear();
  clock.advance(1_000);
  t.match(lines, ['the vehicle is heard again']);
  clock.advance(61_000);
  t.equal(alarms.length, 2);
});

t.test('a vehicle that is heard but tells no position is an alarm too, sooner in the air', async (t) => {
  for (const [flying, afterS] of [
    [true, 60],
    [false, 600],
  ] as const) {
    const { clock, feed, alarms, lines } = bench();
    feed.fly(flying);
    const [sample] = samplesOf(WAYS.hover(1), 0);
    if (sample === undefined) throw new Error('no sample');
    feed.give(sample);
    for (let s = 1; s < afterS; s += 1) {
      clock.advance(1_000);
      feed.hear();
    }
    t.same(alarms, [], `after ${afterS - 1} s`);
    for (let s = 0; s < 4_000; s += 1) {
      clock.advance(1_000);
      feed.hear();
    }
    const reason = `the vehicle is heard, but tells no position for ${flying ? '1 min' : '10 min'}: a 3d fix`;
    t.same(alarms, [{ event: 'alarm', reason }], 'once');
    feed.give({ ...sample, bootMs: sample.bootMs + 4_000_000 });
    clock.advance(1_000);
    t.equal(lines.at(-1), 'the vehicle tells its position again');
    for (let s = 0; s < afterS; s += 1) {
      clock.advance(1_000);
      feed.hear();
    }
    t.equal(alarms.length, 2);
  }
});

t.test('one that was silent and is heard again does not thereby tell its position', async (t) => {
  const { clock, feed, alarms, lines } = bench();
  feed.fly(true);
  for (let s = 0; s < 70; s += 1) {
    clock.advance(1_000);
    feed.hear();
  }
  t.match(alarms, [{ reason: /tells no position/ }]);
  clock.advance(61_000);
  t.match(alarms[1], { reason: /silent/ });
  for (let s = 0; s < 70; s += 1) {
    feed.hear();
    clock.advance(1_000);
  }
  t.same(lines, ['the vehicle is heard again']);
  t.equal(alarms.length, 2, 'nor is it said again');
  const [sample] = samplesOf(WAYS.hover(1), 0);
  if (sample !== undefined) feed.give(sample);
  t.equal(lines.at(-1), 'the vehicle tells its position again');
});

t.test('a flight that was under way goes on before the vehicle says so, and ends if it does not', async (t) => {
  const samples = samplesOf(WAYS.circle(80, 12), 20);
  const before = bench();
  before.feed.fly(true);
  for (const sample of samples.slice(0, 100)) before.feed.give(sample);
  before.clock.advance(1_000);
  for (const confirmed of [true, false]) {
    const after = bench(false, before.memory.open());
    t.match(after.of('track'), [{ properties: { flight: 'f1', seq: 1, end: 'interrupted' } }]);
    for (const sample of samples.slice(110, 150)) after.feed.give(sample);
    if (confirmed) after.feed.fly(true);
    after.clock.advance(6_100);
    t.equal(after.of('track').length, confirmed ? 1 : 2);
    if (confirmed) after.feed.fly(false);
    t.match(after.of('track')[1], { properties: { flight: 'f1', seq: 2, raw_points: 40, end: 'landed' } });
  }
});

t.test(
  'a flight that was under way, and a vehicle that has started anew on the ground since: nothing was flown',
  async (t) => {
    for (const byMovement of [false, true]) {
      const before = bench(byMovement);
      before.feed.fly(true);
      for (const sample of samplesOf(WAYS.race(12, 500), 20, 100_000)) before.feed.give(sample);
      before.clock.advance(1_000);
      t.not(before.memory.open(), null);
      for (const fromMs of [8_000, 500_000]) {
        const after = bench(byMovement, before.memory.open());
        for (const sample of samplesOf(WAYS.hover(0.5), 8, fromMs)) {
          after.feed.give(sample);
          after.clock.advance(100);
        }
        after.clock.advance(120_000);
        const why = `${byMovement ? 'moved' : 'armed'} before, at ${fromMs}`;
        t.match(after.of('track'), [{ properties: { flight: 'f1', seq: 1, end: 'interrupted' } }], why);
        t.equal(after.of('track').length, 1, why);
        t.equal(after.memory.open(), null, why);
        t.notOk(
          after.of('position').some((one) => 'flight' in one),
          why,
        );
      }
    }
  },
);

t.test(
  'a flight that was under way, and a vehicle that flies anew: told so before its first point, it begins at once',
  async (t) => {
    const before = bench();
    before.feed.fly(true);
    for (const sample of samplesOf(WAYS.circle(80, 12), 20, 100_000)) before.feed.give(sample);
    before.clock.advance(1_000);
    const after = bench(false, before.memory.open());
    after.feed.fly(true);
    for (const sample of samplesOf(WAYS.circle(80, 12), 20, 8_000)) after.feed.give(sample);
    after.feed.fly(false);
    t.match(
      after.of('track').map(({ properties }) => properties),
      [
        { flight: 'f1', seq: 1, end: 'interrupted' },
        { flight: 'f1', seq: 1, end: 'landed', raw_points: 201 },
      ],
    );
  },
);
