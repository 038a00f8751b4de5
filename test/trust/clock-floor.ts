import fc from 'fast-check';
import t from 'tap';
import type { JournalRecord } from '../../agent/ports/journal.ts';
import type { Clock } from '../../agent/ports/world.ts';
import { createClockFloor } from '../../agent/trust/clock-floor.ts';

const BUILT_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

/** A device whose clocks are set by hand; `reboot` starts the boot-time clock anew. */
function device(wallMs = BUILT_MS + HOUR_MS) {
  const now = { wallMs, bootMs: 0, boot: 1 };
  const clock = (): Clock => ({
    bootId: `boot-${now.boot}`,
    wallMs: () => now.wallMs,
    bootMs: () => now.bootMs,
    after: () => () => {},
    turn: async () => {},
  });
  const journal: JournalRecord[] = [];
  const open = () => {
    const floor = createClockFloor(clock(), BUILT_MS);
    for (const record of journal) floor.fold(record);
    return floor;
  };
  return {
    now,
    journal,
    /** As after a restart of the agent. */
    open,
    pass(ms: number) {
      now.wallMs += ms;
      now.bootMs += ms;
    },
    reboot() {
      now.boot += 1;
      now.bootMs = 0;
    },
    /** A tick of an agent started just now. */
    tick() {
      journal.push(open().tick());
    },
  };
}

t.test('a clock before build time, or before an applied document, is not trusted', async (t) => {
  const { now, open, journal } = device(BUILT_MS - 1);
  t.equal(open().trust(), 'untrusted');
  now.wallMs = BUILT_MS;
  t.equal(open().trust(), 'ok');
  journal.push(open().applied(BUILT_MS / 1000 + 60));
  t.equal(open().trust(), 'untrusted');
  now.wallMs = BUILT_MS + 60_000;
  t.equal(open().trust(), 'ok');
  journal.push(open().applied(1));
  t.equal(open().trust(), 'ok', 'an older document lowers nothing');
});

t.test('journalled time raises the floor only where it went on as the boot-time clock did', async (t) => {
  const table: readonly (readonly [string, (it: ReturnType<typeof device>) => void, boolean])[] = [
    ['as it should', (it) => it.pass(60_000), true],
    [
      'an hour off, back',
      (it) => {
        it.pass(2 * HOUR_MS);
        it.now.wallMs -= HOUR_MS;
      },
      true,
    ],
    [
      'a year ahead at once',
      (it) => {
        it.pass(60_000);
        it.now.wallMs += YEAR_MS;
      },
      false,
    ],
    [
      'more than an hour ahead',
      (it) => {
        it.pass(60_000);
        it.now.wallMs += HOUR_MS + 1;
      },
      false,
    ],
    [
      'a reboot between',
      (it) => {
        it.reboot();
        it.pass(60_000);
      },
      false,
    ],
  ];
  for (const [what, happens, raised] of table) {
    const it = device();
    it.tick();
    happens(it);
    it.tick();
    const seen = it.now.wallMs;
    it.now.wallMs = seen - 1;
    t.equal(it.open().trust(), raised ? 'untrusted' : 'ok', what);
    it.now.wallMs = BUILT_MS - 1;
    t.equal(it.open().trust(), 'untrusted', 'it never falls below build time');
  }
});

t.test('powered time is summed over restarts and reboots, and never while the power was off', async (t) => {
  const it = device();
  it.pass(10_000);
  t.equal(it.open().poweredS(), 10, 'the first boot counts from its begin');
  it.tick();
  it.pass(5_000);
  t.equal(it.open().poweredS(), 15);
  it.tick();
  it.reboot();
  it.now.wallMs += YEAR_MS;
  t.equal(it.open().poweredS(), 15);
  it.pass(7_999);
  t.equal(it.open().poweredS(), 22);
  it.tick();
  it.now.wallMs = 0;
  it.pass(1);
  t.equal(it.open().poweredS(), 23, 'whatever the wall clock says');
});

t.test('a reboot loses at most what came after the last tick; powered time and floor never fall', async () => {
  const step = fc.oneof(
    fc.record({ pass: fc.nat(10 ** 7) }),
    fc.record({ jump: fc.integer({ min: -YEAR_MS, max: YEAR_MS }) }),
    fc.constantFrom('tick', 'reboot', 'compact'),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const it = device();
      it.tick();
      let powered = 0;
      let floor = 0;
      for (const one of steps) {
        if (one === 'tick') it.tick();
        else if (one === 'compact') it.journal.splice(0, it.journal.length, ...it.open().snapshot());
        else if (one === 'reboot') {
          it.tick();
          it.reboot();
        } else if ('pass' in one) it.pass(one.pass);
        else it.now.wallMs += one.jump;
        const { floor_ms } = it.open().tick();
        if (it.open().poweredS() < powered || Number(floor_ms) < floor) return false;
        powered = it.open().poweredS();
        floor = Math.max(...it.journal.map((record) => Number(record.floor_ms ?? 0)));
      }
      return true;
    }),
  );
});

t.test('written anew, it is one record; records of others are not its business', async (t) => {
  const it = device();
  it.tick();
  it.pass(60_000);
  it.tick();
  const floor = it.open();
  floor.fold(floor.applied(BUILT_MS / 1000 + 10 ** 6));
  floor.fold({ t: 'held' });
  const [record, ...more] = floor.snapshot();
  t.same(more, []);
  t.match(record, {
    t: 'clock-tick',
    boot: 'boot-1',
    boot_ms: 60_000,
    powered_ms: 60_000,
    floor_ms: BUILT_MS + 10 ** 9,
  });
  const fresh = device();
  t.match(fresh.open().snapshot(), [{ t: 'clock-tick', floor_ms: BUILT_MS }]);
});

t.test('a reset forgets every time seen, for good; only the build time counts until time is seen again', async (t) => {
  const { now, open, journal, pass, tick } = device();
  journal.push(open().applied((BUILT_MS + YEAR_MS) / 1000));
  t.equal(open().trust(), 'untrusted');
  t.equal(open().floorMs(), BUILT_MS + YEAR_MS);
  journal.push(open().reset());
  t.equal(open().trust(), 'ok');
  t.equal(open().floorMs(), BUILT_MS);
  tick();
  pass(HOUR_MS);
  tick();
  t.equal(open().floorMs(), now.wallMs, 'it rises again with time that goes on as it should');
  const kept = createClockFloor(
    { bootId: 'x', wallMs: () => 0, bootMs: () => 0, after: () => () => {}, turn: async () => {} },
    0,
  );
  for (const record of open().snapshot()) kept.fold(record);
  t.equal(kept.floorMs(), now.wallMs, 'a journal that is written anew does not bring the old one back');
});
