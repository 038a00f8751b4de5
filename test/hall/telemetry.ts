import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openTelemetry } from '../../agent/hall/telemetry.ts';
import { hostChance } from '../../agent/host/chance.ts';
import type { JournalFile, JournalMemory, JournalRecord } from '../../agent/ports/journal.ts';
import { Failure } from '../../agent/values/errors.ts';
import type { EventBody } from '../../agent/values/report.ts';
import { samplesOf, WAYS } from '../fixtures/flights.ts';
import { testJournal } from '../fixtures/journal.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { scriptedFeed } from '../fixtures/scripted-feed.ts';
import { settingsWith } from '../fixtures/settings.ts';

const HOUR_MS = 3_600_000;
const MB = 1024 * 1024;
const full = () => new Failure('disk-full', 'journal.append', '/telemetry', 'no space', { retry: true });

/** A disk that forgets with the power what was not synced. */
function disk() {
  const records: JournalRecord[] = [];
  const state = { noted: 0, syncs: 0, fails: false, records };
  const open = (): JournalFile => {
    let memories: readonly JournalMemory[] = [];
    const fold = (record: JournalRecord) => {
      for (const memory of memories) if (memory.types.includes(record.t)) memory.fold(record);
    };
    const note = (more: readonly JournalRecord[]) => {
      if (state.fails) throw full();
      records.push(...JSON.parse(JSON.stringify(more)));
      for (const record of more) fold(record);
    };
    const sync = async () => {
      state.syncs += 1;
      if (state.fails) throw full();
      state.noted = state.records.length;
    };
    return {
      async open(given) {
        memories = given;
        for (const record of state.records) fold(record);
        return { lines: state.records.length, tornBytes: 0, damagedLines: 0, putAside: null };
      },
      note,
      sync,
      async append(more) {
        note(more);
        await sync();
      },
      bytes: () => 0,
      close: sync,
    };
  };
  const powerCut = () => void state.records.splice(state.noted);
  return { state, open, powerCut };
}

async function room(it = disk(), saying = async () => {}) {
  const clock = manualClock();
  const { feed, give, fly, hear } = scriptedFeed(clock);
  const lines: string[] = [];
  const events: EventBody[] = [];
  const log = { say: (level: string, line: string) => void lines.push(`${level} ${line}`) };
  const telemetry = await openTelemetry(
    settingsWith({ vehicle: { mavlink: { listen: 'udp://127.0.0.1:1', system: 1 } } }),
    { clock, chance: hostChance, telemetry: it.open(), log },
    {
      ...{ records: () => 0, feed, later: (promise) => void promise },
      async say(event) {
        events.push(event);
        await saying();
      },
    },
  );
  const passes = async (ms: number, stepMs = 1_000) => {
    for (let passed = 0; passed < ms; passed += stepMs) {
      clock.advance(stepMs);
      await clock.turn();
    }
  };
  return { it, clock, lines, events, telemetry, give, fly, hear, passes, lanes: telemetry.lanes };
}

t.test('a power cut costs ten seconds at most, and what was synced once is not synced again', async (t) => {
  const { it, lanes, telemetry, passes, hear } = await room();
  telemetry.watch();
  lanes.say('hb', { n: 1 });
  await passes(10_000);
  lanes.say('hb', { n: 2 });
  const before = it.state.syncs;
  it.powerCut();
  t.equal((await room(it)).lanes.backlog().count, 1, 'what was said in the last ten seconds is gone, and nothing else');

  lanes.say('hb', { n: 3 });
  await passes(10_000);
  t.equal(it.state.syncs, before + 1);
  hear();
  await passes(40_000);
  t.equal(it.state.syncs, before + 1, 'nothing new, no wear');
});

t.test('a disk that is full or broken: kept in RAM, said once, and again if it fails anew', async (t) => {
  const { it, lanes, telemetry, passes, lines, hear } = await room();
  telemetry.watch();
  it.state.fails = true;
  lanes.say('hb', { n: 1 });
  lanes.say('position', { n: 2 });
  t.equal(lanes.backlog().count, 2, 'they still go out');
  const complaint = 'warning telemetry is kept in RAM alone: no space (disk-full)';
  t.same(lines, [complaint]);
  it.state.fails = false;
  lanes.say('hb', { n: 3 });
  await passes(10_000);
  it.state.fails = true;
  lanes.say('hb', { n: 4 });
  t.same(lines, [complaint, complaint]);
  hear();
  await passes(10_000);
  await telemetry.close();
  t.equal(lanes.backlog().count, 4, 'and none of it ends the agent');
});

t.test('what was given up is told to the fleet with its count, and while it goes on every ten minutes', async (t) => {
  const { lanes, telemetry, passes, events } = await room();
  telemetry.watch();
  const dropped = () => events.filter(({ event }) => event === 'dropped');
  for (let n = 0; n < 3; n += 1) lanes.say('hb', { n });
  lanes.say('track', { n: 3 });
  await passes(49 * HOUR_MS, HOUR_MS / 12);
  t.match(dropped(), [{ count: 4, reason: 'telemetry was given up, too much or too old: 1 of track, 3 of hb' }]);
  t.equal(lanes.untold(), null);
  lanes.say('hb', { n: 4 });
  await passes(49 * HOUR_MS, HOUR_MS / 12);
  t.equal(dropped().length, 2);
  t.match(dropped()[1], { count: 1 });
});

t.test('what is given up while the disk is slow to take the event is in the next one', async (t) => {
  const slow = { passed: () => {} };
  const { lanes, telemetry, passes, events } = await room(
    disk(),
    () => new Promise((resolve) => void Object.assign(slow, { passed: resolve })),
  );
  const dropped = () => events.filter(({ event }) => event === 'dropped');
  telemetry.watch();
  lanes.say('hb', { n: 1 });
  await passes(300_000, 60_000);
  lanes.say('hb', { n: 2 });
  await passes(48 * HOUR_MS + 120_000, 60_000);
  t.match(dropped(), [{ count: 1 }]);
  t.same(lanes.lost(), { track: 0, position: 0, hb: 2 });
  slow.passed();
  await passes(HOUR_MS, 60_000);
  t.match(dropped(), [{ count: 1 }, { count: 1 }]);
});

t.test('a vehicle that is silent is an alarm of the fleet', async (t) => {
  const { telemetry, passes, events } = await room();
  const stop = telemetry.watch();
  await passes(61_000);
  t.match(events, [{ event: 'alarm', reason: /^the vehicle is silent/ }]);
  stop();
  await passes(200_000);
  t.equal(events.length, 1, 'nothing is said after the end');
});

t.test('the way of a vehicle that flies goes out, and a kill in the air costs its last second', async (t) => {
  const { it, telemetry, give, fly, lanes, clock } = await room();
  telemetry.watch();
  fly(true);
  for (const sample of samplesOf(WAYS.circle(80, 12), 30)) {
    give(sample);
    clock.advance(100);
  }
  t.ok(lanes.backlog().count > 0, 'positions');
  const next = await room(it);
  next.telemetry.watch();
  const track = it.state.records.findLast(({ t: type, lane }) => type === 'lane' && lane === 'track');
  t.match(track, { body: { properties: { seq: 1, end: 'interrupted' } } });
  const raw: unknown = Reflect.get(Object(Reflect.get(Object(track?.body), 'properties')), 'raw_points');
  t.ok(Number(raw) > 280, `${raw} of 301 points`);
});

t.test('a full outbox takes as much room on the disk as the setting says', async (t) => {
  const dir = t.testdir();
  const { journal } = testJournal(join(dir, 'telemetry'));
  const pending: Promise<unknown>[] = [];
  const clock = manualClock();
  const log = { say: (_level: string, line: string) => t.fail(line) };
  const telemetry = await openTelemetry(
    settingsWith({ telemetry: { outbox: { max_mb: 2 } } }),
    { clock, log, telemetry: journal, chance: hostChance },
    { records: () => 0, say: async () => {}, later: (promise) => void pending.push(promise), feed: null },
  );
  const cancel = telemetry.watch();
  const most = { file: 0, all: 0 };
  for (let n = 0; n < 20_000; n += 1) {
    telemetry.lanes.say('position', { n, pad: 'x'.repeat(300) });
    if (n % 100 !== 0) continue;
    clock.advance(10_000);
    await Promise.all(pending.splice(0));
    const sizes = readdirSync(dir).map((name) => statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0);
    most.file = Math.max(most.file, journal.bytes());
    most.all = Math.max(
      most.all,
      sizes.reduce((sum, bytes) => sum + bytes, 0),
    );
  }
  t.ok(telemetry.lanes.lost().position > 1000, 'it was full');
  t.ok(most.file < 2 * 2 * MB + MB, `${most.file} bytes at most`);
  t.ok(most.all < 3.5 * 2 * MB + 2 * MB, `${most.all} bytes at most, what is written anew included`);
  cancel();
  await telemetry.close();
});

t.test('where nothing is kept and nothing waits, no timer does', async (t) => {
  const hand = manualClock();
  const waiting = new Set<object>();
  const clock = {
    ...hand,
    after(ms: number, fn: () => void) {
      const one = {};
      waiting.add(one);
      const cancel = hand.after(ms, () => {
        waiting.delete(one);
        fn();
      });
      return () => {
        waiting.delete(one);
        cancel();
      };
    },
  };
  const { journal } = testJournal(join(t.testdir(), 'telemetry'));
  let syncs = 0;
  const counted: typeof journal = {
    ...journal,
    async sync() {
      syncs += 1;
      await journal.sync();
    },
  };
  const pending: Promise<unknown>[] = [];
  const telemetry = await openTelemetry(
    settingsWith({}),
    { clock, log: { say: (_level, line) => t.fail(line) }, telemetry: counted, chance: hostChance },
    { records: () => 0, say: async () => {}, later: (promise) => void pending.push(promise), feed: null },
  );
  const pass = async (ms: number) => {
    hand.advance(ms);
    await Promise.all(pending);
  };
  const cancel = telemetry.watch();
  await pass(10_000);
  t.equal(syncs, 1, 'which boot it is');
  t.equal(waiting.size, 0);
  telemetry.lanes.say('track', { points: [] });
  t.equal(waiting.size, 1);
  await pass(9_999);
  t.equal(syncs, 1);
  await pass(1);
  t.equal(syncs, 2, 'on the disk within ten seconds');
  t.equal(waiting.size, 1, 'what waits for the broker is looked after');
  telemetry.lanes.linkUp(async () => 0);
  await Promise.resolve();
  t.equal(telemetry.lanes.backlog().count, 0);
  await pass(10_000);
  t.equal(syncs, 3, 'that it is through');
  t.equal(waiting.size, 0);
  telemetry.lanes.linkDown();
  telemetry.lanes.say('track', { points: [] });
  cancel();
  t.equal(waiting.size, 0);
  await telemetry.close();
});
