import t from 'tap';
import { openMeter } from '../../agent/link/meter.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

t.test('bytes an hour as of the last ten minutes', async (t) => {
  const clock = manualClock();
  const meter = openMeter(clock);
  t.equal(meter.perHour(), 0);
  meter.count('topic', 'x'.repeat(88));
  t.equal(meter.perHour(), 6_000, 'a hundred bytes in the first minute');
  for (let minute = 0; minute < 30; minute += 1) {
    meter.count('topic', 'x'.repeat(988));
    clock.advance(60_000);
  }
  t.equal(meter.perHour(), 54_000, 'nine whole minutes and one that has just begun');
  clock.advance(3_600_000);
  t.equal(meter.perHour(), 0, 'and nothing of what is over');
});
