import t from 'tap';
import { hostClock } from '../../agent/host/clock.ts';
import { hostCron } from '../../agent/host/cron.ts';
import { keepAlive } from '../fixtures/lock-room.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { until } from '../fixtures/until.ts';

const MINUTE_MS = 60_000;

/** A schedule of every minute on a clock moved by hand; `jump` moves the wall clock alone. */
async function everyMinute() {
  const hand = manualClock();
  const state = { jumpedMs: 0, runs: 0 };
  const clock = { ...hand, wallMs: () => hand.wallMs() + state.jumpedMs };
  const next = () => (Math.floor(clock.wallMs() / MINUTE_MS) + 1) * MINUTE_MS;
  const cancel = hostCron(clock, async () => next)('* * * * *', () => {
    state.runs += 1;
  });
  await new Promise((resolve) => void setImmediate(resolve));
  const advance = (ms: number) => {
    state.runs = 0;
    hand.advance(ms);
    return state.runs;
  };
  return { state, advance, cancel };
}

t.test('once at every match, and never after it was cancelled', async (t) => {
  const { advance, cancel } = await everyMinute();
  t.equal(advance(MINUTE_MS - 1), 0);
  t.equal(advance(1), 1);
  t.equal(advance(10 * MINUTE_MS), 10);
  cancel();
  t.equal(advance(10 * MINUTE_MS), 0);
});

t.test('a wall clock that jumps years either way costs one run, and the schedule goes on', async (t) => {
  const { state, advance } = await everyMinute();
  const yearMs = 365 * 24 * 60 * MINUTE_MS;
  for (const jumpMs of [3 * yearMs, -7 * yearMs]) {
    state.jumpedMs += jumpMs;
    t.equal(advance(30_000), 1, `noticed, ${jumpMs}`);
    t.equal(advance(10 * MINUTE_MS), 10, `goes on, ${jumpMs}`);
  }
});

t.test('on the real clock, by the real scheduler', async (t) => {
  keepAlive(t);
  const startedMs = performance.now();
  let runs = 0;
  const cancel = hostCron(hostClock())('* * * * * *', () => {
    runs += 1;
  });
  await until('three seconds', () => runs >= 3);
  cancel();
  t.ok(performance.now() - startedMs >= 1990, 'not all at once');
});

t.test('cancelled before it was loaded', async (t) => {
  const clock = manualClock();
  const cancel = hostCron(clock, async () => () => clock.wallMs() + 1)('* * * * *', () => t.fail('ran'));
  cancel();
  await new Promise((resolve) => void setImmediate(resolve));
  clock.advance(MINUTE_MS);
});

t.test('every minute is told without the library, and means the same', async (t) => {
  const clock = manualClock();
  const runs: number[] = [];
  clock.advance(20_000);
  hostCron(clock)('* * * * *', () => runs.push(clock.bootMs()));
  await new Promise(setImmediate);
  clock.advance(130_000);
  t.same(runs, [60_000, 120_000], 'on the full minute of the wall clock');
});
