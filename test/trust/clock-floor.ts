import t from 'tap';
import type { Clock } from '../../agent/ports.ts';
import { createClockFloor } from '../../agent/trust/clock-floor.ts';

const HOUR_MS = 3_600_000;
const BUILT_MS = Date.UTC(2026, 0, 1);

/** A clock whose hands are moved by the test. */
function clockAt(wallMs: number, bootMs = 0, bootId = 'boot-1') {
  const hands = { wallMs, bootMs };
  const clock: Clock = { bootId, wallMs: () => hands.wallMs, bootMs: () => hands.bootMs, after: () => () => {} };
  const pass = (ms: number, jumpMs = 0) => {
    hands.bootMs += ms;
    hands.wallMs += ms + jumpMs;
  };
  return { clock, pass };
}

t.test('a clock before the build of the program is untrusted', async (t) => {
  const { clock, pass } = clockAt(BUILT_MS - 1);
  const floor = createClockFloor(clock, BUILT_MS);
  t.equal(floor.trust(), 'untrusted');
  pass(1);
  t.equal(floor.trust(), 'ok');
});

t.test('the floor rises with journalled time that goes on as the boot-time clock does', async (t) => {
  const { clock, pass } = clockAt(BUILT_MS);
  const floor = createClockFloor(clock, BUILT_MS);
  floor.fold(floor.tick());
  pass(60_000);
  floor.fold(floor.tick());
  pass(0, -1);
  t.equal(floor.trust(), 'untrusted', 'set back');
  pass(1);
  t.equal(floor.trust(), 'ok');
});

t.test('a jump of years does not raise it for ever', async (t) => {
  const { clock, pass } = clockAt(BUILT_MS);
  const floor = createClockFloor(clock, BUILT_MS);
  floor.fold(floor.tick());
  pass(60_000, 1000 * 24 * HOUR_MS);
  floor.fold(floor.tick());
  pass(60_000, -1000 * 24 * HOUR_MS);
  t.equal(floor.trust(), 'ok', 'the right time is not taken for a wrong one');
  floor.fold(floor.tick());
  pass(60_000, HOUR_MS);
  floor.fold(floor.tick());
  pass(0, -1);
  t.equal(floor.trust(), 'untrusted', 'a step of an hour is believed');
});

t.test('an applied document raises it', async (t) => {
  const { clock, pass } = clockAt(BUILT_MS);
  const floor = createClockFloor(clock, BUILT_MS);
  floor.fold(floor.applied(BUILT_MS / 1000 + 10));
  t.equal(floor.trust(), 'untrusted');
  pass(10_000);
  t.equal(floor.trust(), 'ok');
  floor.fold(floor.applied(1));
  t.equal(floor.trust(), 'ok', 'an older one lowers nothing');
});

t.test('powered time is summed over boots, and floor and sum outlive a restart', async (t) => {
  const first = clockAt(BUILT_MS, 5_000);
  const floor = createClockFloor(first.clock, BUILT_MS);
  t.equal(floor.poweredS(), 5);
  floor.fold(floor.tick());
  first.pass(60_000);
  floor.fold(floor.tick());
  floor.fold(floor.applied(BUILT_MS / 1000 + 3600));
  t.equal(floor.poweredS(), 65);

  const second = clockAt(BUILT_MS + 3_600_000 - 1, 7_000, 'boot-2');
  const after = createClockFloor(second.clock, BUILT_MS);
  for (const record of floor.snapshot()) after.fold(record);
  after.fold({ t: 'somebody-else' });
  t.equal(after.poweredS(), 72);
  t.equal(after.trust(), 'untrusted');
  second.pass(1_000);
  t.equal(after.trust(), 'ok');
  t.equal(after.poweredS(), 73);
});
