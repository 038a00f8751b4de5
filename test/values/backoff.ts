import t from 'tap';
import { nextPause } from '../../agent/values/backoff.ts';

const PLAN = { firstMs: 5000, capMs: 90_000, stableMs: 60_000 };

t.test('the ceiling doubles with every failure, up to the cap', async (t) => {
  const ceilings: number[] = [];
  let failures = 0;
  for (let i = 0; i < 8; i += 1) {
    const pause = nextPause(PLAN, failures, null, 1 - Number.EPSILON);
    ceilings.push(Math.ceil(pause.delayMs / 1000));
    failures = pause.failures;
  }
  t.same(ceilings, [5, 10, 20, 40, 80, 90, 90, 90]);
  t.equal(nextPause(PLAN, 1e6, null, 0.5).delayMs, 45_000, 'never overflows');
});

t.test('full jitter: spread over the whole of it, from nothing', async (t) => {
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i += 1) {
    const tenth = Math.floor(nextPause(PLAN, 0, null, Math.random()).delayMs / 500);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  // 1,000 each are expected; seven standard deviations are 210.
  t.ok(
    tenths.every((count) => count > 790 && count < 1210),
    `${tenths}`,
  );
  t.equal(nextPause(PLAN, 3, null, 0).delayMs, 0);
});

t.test('connected and then kicked backs off too; only a stable link starts afresh', async (t) => {
  t.equal(nextPause(PLAN, 3, 59_999, 0).failures, 4);
  t.equal(nextPause(PLAN, 3, 60_000, 0).failures, 1);
});
