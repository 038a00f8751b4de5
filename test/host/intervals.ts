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
