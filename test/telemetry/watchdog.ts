import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lookEveryMs, openWatchdog, type Stall, sayStall } from '../../agent/telemetry/watchdog.ts';
import { bundle } from '../fixtures/bundle.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

function bench() {
  const clock = manualClock();
  const watchdog = openWatchdog(clock, 1000);
  const stalls: Stall[] = [];
  const good: number[] = [];
  const cancel = watchdog.start(
    (stall) => void stalls.push(stall),
    () => void good.push(clock.bootMs()),
  );
  return { clock, watchdog, stalls, good, cancel };
}

t.test(
  'what is over in time is no stall; that all is well is told when the locks have moved, once, and else now and then',
  async (t) => {
    const { clock, watchdog, stalls, good } = bench();
    const look = watchdog.begin('locks', 'a look', 5000);
    const step = watchdog.begin('line', 'a step', 9000);
    clock.advance(3500);
    look();
    look();
    t.strictSame(good, [1000, 2000, 3000, 3500]);
    clock.advance(2400);
    step();
    t.strictSame(good.slice(4), [4500, 5500]);
    clock.advance(60_000);
    t.strictSame(stalls, []);
    t.equal(watchdog.late(), null);
  },
);

t.test('what is not over is told once, while the rest may go on', async (t) => {
  const { clock, watchdog, stalls } = bench();
  watchdog.begin('line', 'a step of aim', 5000);
  for (let n = 0; n < 10; n += 1) {
    const look = watchdog.begin('locks', 'a look', 5000);
    clock.advance(1000);
    look();
  }
  t.strictSame(stalls, [{ part: 'line', what: 'a step of aim', forMs: 5000 }]);
  t.match(watchdog.late(), { part: 'line' });
});

t.test('time in which the whole process stood still is nobody’s fault', async (t) => {
  const { clock, watchdog, stalls } = bench();
  // Timers do not run while a process is stopped or a machine asleep, but the clock does.
  const asleep = { ...clock };
  const other = openWatchdog({ ...asleep, after: () => () => {} }, 1000);
  const over = other.begin('locks', 'a look', 5000);
  clock.advance(3_600_000);
  t.equal(other.late(), null, 'an hour asleep');
  over();
  t.strictSame(stalls, []);
  watchdog.begin('locks', 'a look', 5000);
  clock.advance(5000);
  t.equal(stalls.length, 1, 'five seconds awake');
});

t.test('after it was cancelled nothing is told', async (t) => {
  const { clock, watchdog, stalls, cancel } = bench();
  watchdog.begin('locks', 'a look', 5000);
  cancel();
  clock.advance(60_000);
  t.strictSame(stalls, []);
});

t.test(
  'while everything is in its time that is said at every look, also while something long is under way',
  async (t) => {
    const clock = manualClock();
    const watchdog = openWatchdog(clock, 1000);
    const said: string[] = [];
    watchdog.start(
      () => void said.push('stall'),
      () => void said.push('good'),
    );
    watchdog.begin('line', 'a hook of a minute', 3000);
    clock.advance(10_000);
    t.strictSame(said, ['good', 'good', 'stall'], 'and never after a stall');
  },
);

t.test('while the locks move, their moves are the looks; no timer goes off in between', async (t) => {
  const clock = manualClock();
  const goneOff: number[] = [];
  const watchdog = openWatchdog({
    ...clock,
    after: (ms, fn) =>
      clock.after(ms, () => {
        goneOff.push(clock.bootMs());
        fn();
      }),
  });
  const good: number[] = [];
  watchdog.start(
    () => t.fail('all is in its time'),
    () => void good.push(clock.bootMs()),
  );
  for (let round = 0; round < 3; round += 1) {
    const look = watchdog.begin('locks', 'the next look at the locks', 65_000);
    watchdog.begin('line', 'a step', 65_000)();
    clock.advance(5000);
    look();
  }
  t.strictSame([good, goneOff], [[5000, 10_000, 15_000], []]);
  clock.advance(12_000);
  t.strictSame(
    [good.slice(3), goneOff],
    [
      [21_000, 27_000],
      [21_000, 27_000],
    ],
    'it looks by itself where they do not',
  );
});

t.test('a supervisor that waits for a sign of life gets three in its time', async (t) => {
  t.equal(lookEveryMs(3000), 1000);
  t.equal(lookEveryMs(30_000), lookEveryMs(null), 'no more often than the locks move');
  t.ok(lookEveryMs(null) > 5000 && lookEveryMs(1) === 1);
});

t.test('in words', async (t) => {
  t.match(
    sayStall({ part: 'locks', what: 'the next look at the locks', forMs: 65_000 }),
    /^the lock manager does not move: the next look at the locks has been under way for 1 min; the agent ends/,
  );
  t.match(sayStall({ part: 'line', what: 'a step of aim', forMs: 600_000 }), /^the update line .* 10 min/);
});

t.test('a real daemon whose disk does not answer: alarm, exit 1, and the next one goes on from there', async (t) => {
  const device = loneDevice(t);
  await device.locksmith(['apply', '-'], device.sign({ version: 1, files: { 'aim.conf': 'one\n' } }).jws);
  // So that the next tokens have to be asked for.
  rmSync(join(device.state, 'locks'), { recursive: true });
  const program = await bundle(join(import.meta.dirname, '..', 'fixtures', 'stalled-agent.ts'));
  const ended = await new Promise<{ code: unknown; said: string }>((resolve) => {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const how = { env, timeout: 60_000 };
    const child = execFile(process.execPath, [program, device.settings], how, (_error, _stdout, said) => {
      resolve({ code: child.exitCode, said });
    });
  });
  t.equal(ended.code, 1, ended.said);
  t.match(ended.said, /cannot go on: the lock manager does not move: settling the locks has been under way for 1 min/);
  const story = JSON.parse((await device.locksmith(['history', '--json'])).stdout);
  t.match(story.at(-1), { event: 'alarm', reason: /^the lock manager does not move/ }, 'kept for the fleet');

  const next = await device.daemon();
  t.match((await device.locksmith(['status'])).stdout, /base version 1 .*\n.*aim\.conf COLD/, 'nothing is lost');
  await device.locksmith(['apply', '-'], device.sign({ version: 2, files: { 'aim.conf': 'two\n' } }).jws);
  t.same(device.contents(), { 'aim.conf': 'two\n' });
  t.equal((await next.stop()).code, 0);
});
