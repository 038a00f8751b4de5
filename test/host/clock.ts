import { readFileSync } from 'node:fs';
import t from 'tap';
import { hostClock } from '../../agent/host/clock.ts';

t.test('the clocks of this machine', async (t) => {
  const clock = hostClock();
  t.equal(`${clock.bootId}\n`, readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
  const before = Date.now();
  const wall = clock.wallMs();
  t.ok(before <= wall && wall <= Date.now());
  const [boot, uptime] = [clock.bootMs(), Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000];
  t.ok(Number.isInteger(boot) && boot <= uptime + 10 && boot > uptime - 60_000, `${boot} ${uptime}`);
});

t.test('the boot-time clock is reckoned on while there was no sleep, and read after one', async (t) => {
  const clock = hostClock();
  const first = clock.bootMs();
  const real = performance.now;
  t.teardown(() => {
    performance.now = real;
  });
  /** As a sleep does: the wall clock goes on, the monotonic one does not. */
  const asleep = { ms: 0 };
  performance.now = () => real.call(performance) - asleep.ms;
  const uptime = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const seen = [first];
  for (let look = 0; look < 300; look += 1) {
    if (look % 100 === 50) asleep.ms += 40;
    await new Promise((resolve) => setTimeout(resolve, 1));
    const [before, boot, after] = [uptime(), clock.bootMs(), uptime()];
    t.ok(before - 20 <= boot && boot <= after + 20, `${before} ${boot} ${after}`);
    seen.push(boot);
  }
  t.same(
    seen,
    [...seen].sort((a, b) => a - b),
    'it never falls',
  );
});

t.test('what is set off happens once, in order, unless it was cancelled', async (t) => {
  const clock = hostClock();
  const order: string[] = [];
  const cancel = clock.after(1, () => order.push('cancelled'));
  cancel();
  cancel();
  const never = clock.after(10 ** 12, () => order.push('longer than a timer can be: not at once'));
  clock.after(-5, () => order.push('past'));
  clock.after(Number.NaN, () => order.push('nonsense'));
  // A timer of ours does not keep the process alive; the test must.
  const awake = setInterval(() => {}, 1000);
  await new Promise<void>((resolve) => clock.after(20, () => clock.after(20, resolve)));
  clearInterval(awake);
  never();
  t.same(order, ['past', 'nonsense']);
});

t.test('what may come a little later goes with what cannot, and by itself no later than that', async (t) => {
  const clock = hostClock();
  const awake = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(awake));
  const order: string[] = [];
  let turned = false;
  await new Promise<void>((resolve) => {
    clock.after(300, resolve);
    clock.after(
      270,
      () => {
        order.push('about');
        queueMicrotask(() => {
          turned = true;
        });
      },
      'about',
    );
    clock.after(300, () => order.push(turned ? 'a wake of its own' : 'the same wake'));
  });
  t.same(order, ['about', 'the same wake']);
  const startedMs = performance.now();
  await new Promise<void>((resolve) => clock.after(60, resolve, 'about'));
  t.ok(performance.now() - startedMs >= 69, 'alone it takes its time: somebody might have come');
});

t.test('what is cancelled by another in the same wake does not happen; what is set in it does', async (t) => {
  const clock = hostClock();
  const awake = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(awake));
  await new Promise<void>((resolve) => {
    clock.after(20, () => {
      cancel();
      clock.after(0, resolve);
    });
    const cancel = clock.after(20, () => t.fail('cancelled'));
  });
});
