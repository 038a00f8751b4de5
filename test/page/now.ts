import t from 'tap';
import { nowSection } from '../../agent/page/now.ts';
import { calmPage } from '../fixtures/page.ts';
import { calmStatus } from '../fixtures/status.ts';
import { VEHICLE } from '../fixtures/vehicle.ts';

const STAMP = { seq: 1, boot: 'b', at: '2026-11-22T03:00:00.000Z', clock: 'ok' } as const;
const DIGEST = `sha256:${'0'.repeat(64)}`;

t.test('a calm device: all is well', async (t) => {
  const { markup } = nowSection(calmPage());
  t.match(markup, '>all is well<');
  t.match(markup, 'version 0.1.0, pid 75, since 01:19:38 UTC, 1 h 52 min ago');
  t.match(markup, '>connected and subscribed<');
  t.match(markup, '>COLD<');
  t.match(markup, '<p>load 0.4 on 4 cores, memory 41 % free, disk 3.1 GiB free, 51 °C</p>');
  t.notMatch(markup, 'for the broker');
  t.notMatch(markup, 'given up');
  t.notMatch(markup, 'To do:');
});

t.test('everything that is wrong is said first, with what to do, and no name can break out', async (t) => {
  const evil = '<img src=x>';
  const calm = calmStatus();
  const status = calmStatus({
    clock: { trust: 'untrusted', now: '1970-01-01T00:00:00.000Z', floor: '2026-11-22T03:11:00.000Z' },
    agent: { ...calm.agent, state: 'frozen' },
    link: calm.link && { ...calm.link, connected: false, state: 'silent', words: evil, remedy: 'Look at the network.' },
    backlog: { count: 1, bytes: 9, telemetry: { count: 37_012, bytes: 8_000_000 } },
    counters: { outcomes: {}, refused: {}, dropped: { track: 512, position: 0, hb: 3 } },
    configs: {
      [evil]: {
        ...STAMP,
        running: { version: 3, layer: 'base', address: 'all', digest: DIGEST, since: STAMP.at },
        last_attempt: {
          ...{ id: 'u', version: 4, layer: 'base', address: 'all', digest: DIGEST, at: STAMP.at },
          ...{ result: 'refused', code: 'schema', reason: evil },
        },
        pending: { id: 'u', version: 4, waiting_for: ['lock'] },
        drift: { digest: DIGEST },
        pinned: null,
        confirmed_by: null,
      },
    },
    locks: {
      [evil]: {
        ...{ state: 'HOT', verdict: 'held', since: STAMP.at, token: 3, refusals: 0, file: evil, reason: evil },
        holder: { pid: 7, start: 1, command: evil, user: evil, unit: null },
      },
    },
    advice: { [evil]: { explanation: '', remedy: `kill ${evil}` } },
    vehicle: { ...VEHICLE, safety: 'unsafe', reason: 'armed', since: STAMP.at, source: 'mavlink' },
    hidden: ['the link (x)'],
  });
  const { markup } = nowSection(calmPage({ status, configs: [evil] }));
  t.notMatch(markup, '<img');
  for (const words of [
    'agent frozen',
    'clock wrong',
    '1 lock HOT',
    '1 update waits',
    '1 config was edited by hand',
    'offline',
  ])
    t.match(markup, `>${words}<`);
  for (const remedy of [
    'systemctl restart',
    'locksmith doctor clock',
    'Look at the network.',
    'kill &lt;',
    'Correct the place',
  ])
    t.match(markup, remedy);
  t.match(markup, 'Waits for lock: base version 4 for all;');
  t.match(markup, '<p>armed</p><p class="soft">mavlink, since 03:00:00 UTC, 12 min ago</p>');
  t.match(markup, '1 report and 37012 messages of telemetry wait for the broker');
  t.match(markup, 'given up: telemetry, too much or too old: 512 of track, 3 of hb');
  t.match(markup, 'Not seen without root: the link (x)');
});

t.test('what is not known', async (t) => {
  const calm = calmStatus();
  const agent = {
    ...calm.agent,
    state: 'stopped',
    pid: null,
    version: null,
    since: null,
    last_beat_age_s: null,
  } as const;
  const status = calmStatus({ agent, link: null, locks: {}, machine: null, counters: null });
  const { markup } = nowSection(calmPage({ status }));
  for (const words of [
    'agent stopped',
    'since never',
    'last beat never',
    'no agent runs',
    'nothing known yet',
    'The lock cannot be seen.',
  ])
    t.match(markup, words);
  t.notMatch(markup, 'Machine');
});
