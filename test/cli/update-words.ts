import t from 'tap';
import { readUpdateWords } from '../../agent/cli/update-words.ts';

t.test('when it may be applied', async (t) => {
  const read = (change: object) => readUpdateWords('push', { to: 'all', layer: 'base', ...change }, 1000, false).when;
  t.equal(read({}), undefined);
  t.same(read({ vehicle: 'safe' }), { vehicle: 'safe' });
  const night = { window: '0 2 * * *', 'window-minutes': '60' };
  t.same(read(night), { window: { cron: '0 2 * * *', minutes: 60, tz: 'UTC' } });
  t.match(read({ ...night, 'window-tz': 'Asia/Tokyo', vehicle: 'safe' }), {
    window: { tz: 'Asia/Tokyo' },
    vehicle: 'safe',
  });
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ vehicle: 'any' }, /--vehicle: expected safe/],
    [{ window: '0 2 * * *' }, /give --window-minutes N/],
    [{ 'window-minutes': '60' }, /go with --window CRON/],
    [{ 'window-tz': 'UTC' }, /go with --window CRON/],
    [{ ...night, window: '0 2 * *' }, /--window: cron: expected five fields/],
    [{ ...night, 'window-minutes': '9999' }, /--window: minutes/],
    [{ ...night, 'window-tz': 'X' }, /--window: tz/],
  ];
  for (const [change, message] of wrong) t.throws(() => read(change), { exit: 2, message });
});

t.test('how it is confirmed, and whether it is tried again', async (t) => {
  const read = (change: object) => readUpdateWords('push', { to: 'all', layer: 'base', ...change }, 1000, false);
  t.match(read({}), { confirm: undefined, retry: undefined });
  t.same(read({ confirm: 'link' }).confirm, { within_s: 60, by: 'link' });
  t.same(read({ confirm: 'fleet', 'confirm-within': '2h' }).confirm, { within_s: 7200, by: 'fleet' });
  t.equal(read({ retry: true }).retry, true);
  t.throws(() => read({ confirm: 'me' }), { exit: 2, message: /--confirm: expected link or fleet/ });
  t.throws(() => read({ 'confirm-within': '2h' }), { exit: 2, message: /goes with --confirm/ });
  t.throws(() => read({ confirm: 'link', 'confirm-within': 'soon' }), { exit: 2, message: /--confirm-within/ });
});
