import t from 'tap';
import { openAcknowledged } from '../../agent/link/acknowledged.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

t.test('what was had so long ago, and never more than that', async (t) => {
  const clock = manualClock();
  const acknowledged = openAcknowledged(clock);
  t.equal(acknowledged.ago(0), 0);
  clock.advance(1000);
  acknowledged.note(5);
  t.equal(acknowledged.ago(0), 5);
  t.equal(acknowledged.ago(1), 0);
  clock.advance(5000);
  acknowledged.note(9);
  t.equal(acknowledged.ago(5000), 5, 'what came just now, somebody far away need not have seen');
  t.equal(acknowledged.ago(0), 9);
  acknowledged.note(7);
  t.equal(acknowledged.ago(0), 9, 'never falls');
  clock.advance(60_000);
  t.equal(acknowledged.ago(5000), 9);
});

t.test('a busy device: little is remembered, and rather too little told than too much', async (t) => {
  const clock = manualClock();
  const acknowledged = openAcknowledged(clock);
  const had = new Map<number, number>();
  for (let seq = 1; seq <= 10_000; seq += 1) {
    clock.advance(10);
    acknowledged.note(seq);
    had.set(clock.bootMs(), seq);
  }
  const told = acknowledged.ago(5000);
  const most = had.get(clock.bootMs() - 5000) ?? 0;
  t.ok(told <= most && told > most - 100, `${told} of ${most}`);
  t.equal(acknowledged.ago(90_000), 0, 'so far back nothing is known');
});
