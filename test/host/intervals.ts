import t from 'tap';
import { intervalsBy } from '../../agent/host/intervals.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

t.test('again and again until it is cleared, each on its own', async (t) => {
  const clock = manualClock();
  const intervals = intervalsBy(clock);
  const calls: string[] = [];
  const one = intervals.set(() => calls.push('one'), 30);
  const two = intervals.set(() => {
    calls.push('two');
    intervals.clear(two);
  }, 40);
  t.not(one, two);
  clock.advance(95);
  t.same(calls, ['one', 'two', 'one', 'one']);
  intervals.clear(one);
  intervals.clear(one);
  clock.advance(1000);
  t.equal(calls.length, 4);
});

t.test('the first two may come late, the third comes on time', async (t) => {
  const clock = manualClock();
  const { bootMs } = clock;
  const intervals = intervalsBy({
    bootMs,
    after: (ms, fn, when) => clock.after(when === 'about' ? (ms * 7) / 6 : ms, fn),
  });
  const calls: number[] = [];
  intervals.set(() => calls.push(Math.round(bootMs())), 60);
  clock.advance(310);
  t.same(calls, [70, 128, 180, 240, 300]);
});

t.test('after a sleep the next has its whole time', async (t) => {
  const clock = manualClock();
  const slept = { ms: 0 };
  const intervals = intervalsBy({ after: clock.after, bootMs: () => clock.bootMs() + slept.ms });
  const calls: number[] = [];
  intervals.set(() => calls.push(clock.bootMs()), 60);
  slept.ms = 3_600_000;
  clock.advance(130);
  t.same(calls, [60, 120]);
});
