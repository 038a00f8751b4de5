import fc from 'fast-check';
import { validate } from 'node-cron';
import t from 'tap';
import { cronTimes, whyNoCron } from '../../agent/values/cron.ts';

t.test('what is a schedule', async (t) => {
  for (const text of [
    '* * * * *',
    '*/5 * * * *',
    '0,30 8-18 * * mon-fri',
    '0 0 29 feb *',
    '15 2 1-7/2 JAN,jul 7',
    '*/10 * * * * *',
    '  0   4 * * 0 ',
  ]) {
    t.equal(whyNoCron(text), null, text);
    t.ok(validate(text), `${text}: read by the scheduler`);
  }
});

t.test('what is none, and why', async (t) => {
  const wrong = [
    ['', /expected five fields .* found none/],
    ['* * * *', /found 4/],
    ['@hourly', /found 1/],
    ['60 * * * *', /^minute: expected 0 to 59, found '60'/],
    ['* 24 * * *', /^hour: expected 0 to 23/],
    ['* * 0 * *', /^day of month: expected 1 to 31/],
    ['* * * 13 *', /^month: expected 1 to 12/],
    ['* * * * 8', /^day of week: expected 0 to 7/],
    ['x * * * *', /^minute: expected 0 to 59 or \*, found 'x'/],
    ['5-1 * * * *', /^minute: '5-1' goes backwards/],
    ['*/0 * * * *', /^minute: expected a step of 1 to 59/],
    ['5/10 * * * *', /^minute: a step needs \* or a range/],
    ['1,,2 * * * *', /^minute: expected/],
    ['0 0 31 feb,apr *', /^day of month: '31' never comes in month 'feb,apr'/],
  ] as const;
  for (const [text, why] of wrong) t.match(whyNoCron(text), why, text);
});

t.test('whatever passes is read by the scheduler', async (t) => {
  const number = fc.integer({ min: 0, max: 62 }).map(String);
  const word = fc.constantFrom('*', 'jan', 'feb', 'dec', 'sun', 'FRI', '');
  const end = fc.oneof({ weight: 4, arbitrary: number }, word);
  const range = fc.oneof(
    end,
    fc.tuple(end, end).map((two) => two.join('-')),
    fc.constant('*'),
  );
  const item = fc.oneof(
    range,
    fc.tuple(range, number).map((two) => two.join('/')),
  );
  const field = fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    fc.array(item, { minLength: 1, maxLength: 3 }).map((all) => all.join(',')),
  );
  const text = fc.array(field, { minLength: 4, maxLength: 7 }).map((all) => all.join(' '));
  let passed = 0;
  fc.assert(
    fc.property(text, (expression) => {
      if (whyNoCron(expression) !== null) return true;
      passed += 1;
      return validate(expression);
    }),
    { numRuns: 3000 },
  );
  t.ok(passed > 100, `${passed} passed`);
});

t.test('what matches', async (t) => {
  const matches = (text: string, local: string) => {
    const times = cronTimes(text);
    const ms = Date.parse(`${local}Z`);
    return times.day(ms) && times.minute(ms);
  };
  t.ok(matches('*/7 3 * * *', '2026-01-05T03:14'));
  t.notOk(matches('*/7 3 * * *', '2026-01-05T03:15'));
  t.notOk(matches('*/7 3 * * *', '2026-01-05T04:14'));
  t.ok(matches('5-50/9 * * * *', '2026-01-05T00:14'));
  t.notOk(matches('5-50/9 * * * *', '2026-01-05T00:09'));
  t.ok(matches('0 0 10-20 feb *', '2028-02-20T00:00'));
  t.notOk(matches('0 0 10-20 feb *', '2028-02-21T00:00'));
  t.ok(matches('0 0 1 * mon', '2026-01-05T00:00'), 'a Monday');
  t.ok(matches('0 0 1 * mon', '2026-01-01T00:00'), 'the first');
  t.notOk(matches('0 0 */2 * mon', '2026-01-12T00:00'), 'a step over all days narrows with the weekday');
  t.same([cronTimes('0 * * * *').everyHour, cronTimes('0 0-23 * * *').everyHour], [true, false]);
});
