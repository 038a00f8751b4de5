import t from 'tap';
import { type Window, whyNoWindow, windowAt } from '../../agent/values/window.ts';

const utc = (text: string) => Date.parse(`${text}Z`);
/** Every start within a span, each found from the one before. */
function starts(window: Omit<Window, 'minutes'>, from: string, to: string): readonly string[] {
  const found: string[] = [];
  for (let ms = utc(from); ms < utc(to); ) {
    const state = windowAt({ ...window, minutes: 1 }, ms);
    if (state.open) found.push(new Date(state.untilMs - 60_000).toISOString().slice(5, 16));
    ms = state.open ? state.untilMs : (state.opensMs ?? Number.POSITIVE_INFINITY);
  }
  return found;
}

t.test('open from its start, for its minutes, and shut again', async (t) => {
  const night = { cron: '0 2 * * *', minutes: 60, tz: 'UTC' };
  const at = (text: string) => windowAt(night, utc(`2026-01-05T${text}`));
  t.same(at('01:59:59.999'), { open: false, opensMs: utc('2026-01-05T02:00') });
  t.same(at('02:00:00'), { open: true, untilMs: utc('2026-01-05T03:00') });
  t.same(at('02:59:59.999'), { open: true, untilMs: utc('2026-01-05T03:00') });
  t.same(at('03:00:00'), { open: false, opensMs: utc('2026-01-06T02:00') });
  const often = { cron: '*/10 * * * *', minutes: 15, tz: 'UTC' };
  t.same(
    windowAt(often, utc('2026-01-05T12:12')),
    { open: true, untilMs: utc('2026-01-05T12:25') },
    'the latest counts',
  );
  const overnight = { cron: '30 23 * * 5', minutes: 120, tz: 'UTC' };
  t.match(windowAt(overnight, utc('2026-01-10T01:00')), { open: true }, 'a Saturday, opened on Friday');
  const leap = { cron: '0 0 29 2 *', minutes: 1, tz: 'UTC' };
  t.same(windowAt(leap, utc('2026-01-05T00:00')), { open: false, opensMs: utc('2028-02-29T00:00') });
});

t.test('days of a month and of a week, as every crontab has them', async (t) => {
  const days = (cron: string) => starts({ cron, tz: 'UTC' }, '2026-06-01T00:00', '2026-07-01T00:00');
  t.same(days('0 12 13 * 5').length, 5, 'the 13th and every Friday: four, and a Saturday');
  t.same(days('0 12 * * 7'), ['06-07T12:00', '06-14T12:00', '06-21T12:00', '06-28T12:00'], '7 is Sunday too');
  t.same(days('0 12 1-3/2 jun *'), ['06-01T12:00', '06-03T12:00']);
});

t.test('the clock that jumps in spring: a start that is skipped comes when it has jumped', async (t) => {
  const berlin = (cron: string) => starts({ cron, tz: 'Europe/Berlin' }, '2026-03-28T00:00', '2026-03-31T00:00');
  t.same(berlin('30 2 * * *'), ['03-28T01:30', '03-29T01:30', '03-30T00:30'], 'on the 29th it is 03:30 then');
  t.same(berlin('30 3 * * *'), ['03-28T02:30', '03-29T01:30', '03-30T01:30']);
  t.equal(berlin('0 * * * *').length, 72, 'every hour that there is');
});

t.test('the clock that is turned back in autumn: a start that comes twice counts once', async (t) => {
  const berlin = (cron: string) => starts({ cron, tz: 'Europe/Berlin' }, '2026-10-24T00:00', '2026-10-27T00:00');
  t.same(berlin('30 2 * * *'), ['10-24T00:30', '10-25T00:30', '10-26T01:30']);
  t.equal(berlin('30 * * * *').length, 72, 'but every hour is every hour');
  const newYork = starts({ cron: '15 1 * * *', tz: 'America/New_York' }, '2026-11-01T00:00', '2026-11-03T00:00');
  t.same(newYork, ['11-01T05:15', '11-02T06:15']);
  t.same(starts({ cron: '0 2 * * *', tz: 'Asia/Kolkata' }, '2026-10-24T00:00', '2026-10-25T00:00'), ['10-24T20:30']);
});

t.test('what is none, and why', async (t) => {
  const good = { cron: '0 2 * * *', minutes: 60, tz: 'UTC' };
  t.equal(whyNoWindow(good), null);
  t.equal(whyNoWindow({ ...good, tz: 'Europe/Berlin' }), null);
  t.match(whyNoWindow({ ...good, cron: '0 25 * * *' }), /^cron: hour: expected 0 to 23/);
  t.match(whyNoWindow({ ...good, cron: '0 0 2 * * *' }), /^cron: expected five fields/);
  for (const minutes of [0, 1441, 1.5]) t.match(whyNoWindow({ ...good, minutes }), /^minutes: expected/);
  t.match(whyNoWindow({ ...good, tz: 'Mars/Olympus' }), /^tz: 'Mars\/Olympus' is no time zone/);
});
