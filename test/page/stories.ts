import t from 'tap';
import { diffMarkup, historySection, logSection, pictureSection } from '../../agent/page/stories.ts';
import { calmPage, eightFlown, PAGE_NOW_MS } from '../fixtures/page.ts';

t.test('history is newest first, and what was applied can be looked into', async (t) => {
  const event = { clock: 'ok', level: 'notice', config: 'aim' } as const;
  const { markup } = historySection(
    calmPage({
      history: [
        { ...event, at: '2026-11-22T01:00:00.000Z', line: 'applied <b>', version: 4 },
        { ...event, at: '2026-11-22T02:00:00.000Z', line: 'later', version: null, clock: 'untrusted', level: 'error' },
      ],
    }),
  );
  t.ok(markup.indexOf('later') < markup.indexOf('applied &lt;b&gt;'));
  t.match(markup, 'data-href="diff?config=aim&amp;version=4"');
  t.equal(markup.split('<details').length, 2);
  t.match(markup, '02:00:00 (clock untrusted)</time><span class="error">later');
  t.match(historySection(calmPage()).markup, 'nothing yet');
});

t.test('the log is newest last', async (t) => {
  const entry = { at: '2026-11-22T01:00:00.000Z', clock: 'ok', level: 'info', fields: {} } as const;
  const { markup } = logSection(
    calmPage({
      log: [
        { ...entry, text: 'one' },
        { ...entry, text: '<two>' },
      ],
    }),
  );
  t.ok(markup.indexOf('one') < markup.indexOf('&lt;two&gt;'));
  t.match(logSection(calmPage()).markup, 'nothing yet');
});

t.test('pictures say in words what they show', async (t) => {
  const hour = 3_600_000;
  const link = [
    { fromMs: PAGE_NOW_MS - 30 * hour, toMs: PAGE_NOW_MS - 12 * hour, state: 'connected' },
    { fromMs: PAGE_NOW_MS - 12 * hour, toMs: PAGE_NOW_MS, state: 'silent' },
    { fromMs: PAGE_NOW_MS - 40 * hour, toMs: PAGE_NOW_MS - 31 * hour, state: 'silent' },
  ];
  const { markup } = pictureSection(
    calmPage({ link, roundTrips: [{ atMs: PAGE_NOW_MS, ms: 3 }], flown: eightFlown() }),
  );
  t.match(markup, 'aria-label="Link of the last 24 hours: connected 50 % of the time"');
  const [, data = ''] = /data-kind="link" data-picture="([^"]*)"/.exec(markup) ?? [];
  t.match(JSON.parse(data.replaceAll('&quot;', '"')), {
    from: PAGE_NOW_MS - 24 * hour,
    spans: [
      [PAGE_NOW_MS - 24 * hour, PAGE_NOW_MS - 12 * hour, 'connected'],
      [PAGE_NOW_MS - 12 * hour, PAGE_NOW_MS, 'silent'],
    ],
    trips: [[PAGE_NOW_MS, 3]],
  });
  t.match(markup, 'way, true to 1 m');
  t.match(markup, '90 of 4225 points kept');
  t.match(markup, 'largest correction 2.4 m');
  t.match(markup, `<a href="flight.gpx" download="${eightFlown().flight}.gpx">GPX</a>`);
  t.match(pictureSection(calmPage()).markup, 'No flight is known.');
  const unknown = { ...eightFlown(), largest_correction_m: null };
  t.match(pictureSection(calmPage({ flown: unknown })).markup, 'largest correction not known');
});

t.test('a difference', async (t) => {
  const { markup } = diffMarkup('--- a\n+++ b\n@@ -1 +1 @@\n-<old>\n+new\n same\n');
  const kinds = [...markup.matchAll(/<span class="([a-z]*)">([^<]*)\n<\/span>/g)].map(([, kind, line]) => [kind, line]);
  t.same(kinds, [
    ['hunk', '--- a'],
    ['hunk', '+++ b'],
    ['hunk', '@@ -1 +1 @@'],
    ['minus', '-&lt;old&gt;'],
    ['plus', '+new'],
    ['', ' same'],
  ]);
});
