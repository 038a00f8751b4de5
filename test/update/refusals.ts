import t from 'tap';
import { openRefusalBudget, UNSIGNED_EVENTS_MAX } from '../../agent/update/refusals.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

t.test('unsigned: so many a minute and code; signed: always; counted: all', async (t) => {
  const clock = manualClock();
  const budget = openRefusalBudget(clock);
  const take = (times: number) => Array.from({ length: times }, () => budget.take('malformed', false)).filter(Boolean);
  t.equal(take(100).length, UNSIGNED_EVENTS_MAX);
  t.ok(budget.take('bad-signature', false), 'each code has its own');
  for (let n = 0; n < 50; n += 1) t.ok(budget.take('malformed', true));
  clock.advance(59_999);
  t.equal(take(100).length, 0);
  clock.advance(1);
  t.equal(take(100).length, UNSIGNED_EVENTS_MAX, 'filled up after a minute');
  t.same(budget.counts(), { malformed: 350, 'bad-signature': 1 });
});
