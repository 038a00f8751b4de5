import { appendFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createPageReader, linkSpans } from '../../agent/cli/page-data.ts';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { createJournal } from '../../agent/host/journal.ts';
import { createLaneMemory, keptRecord } from '../../agent/link/lane-memory.ts';
import { readSettings } from '../../agent/settings.ts';
import { createTrackMemory } from '../../agent/telemetry/track-memory.ts';
import { logEntry } from '../../agent/values/log-line.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('how the link was, read off the log', async (t) => {
  const link = (ms: number, state: string) => logEntry(ms, 'notice', `link: x: ${state}`, { state });
  const entries = [
    logEntry(0, 'notice', 'started', { event: 'started' }),
    link(10, 'silent'),
    logEntry(15, 'notice', 'applied', { event: 'applied', state: 'no link' }),
    link(20, 'connected'),
    logEntry(50, 'notice', 'stopped', { event: 'stopped' }),
    link(70, 'connected'),
  ];
  t.same(linkSpans(entries, 100, 90), [
    { fromMs: 0, toMs: 10, state: 'stopped' },
    { fromMs: 10, toMs: 20, state: 'silent' },
    { fromMs: 20, toMs: 50, state: 'connected' },
    { fromMs: 50, toMs: 70, state: 'stopped' },
    { fromMs: 70, toMs: 90, state: 'connected' },
  ]);
  t.equal(linkSpans(entries, 100, 100).at(-1)?.toMs, 100);
  t.equal(linkSpans(entries, 100, null).length, 4, 'after a crash nobody knows how long it lasted');
});

t.test('each read has what is new, and says which updates have changed something', async (t) => {
  const device = loneDevice(t);
  const reader = createPageReader(readSettings(device.settings));
  t.match(await reader.read(), { history: [], log: [], configs: ['aim'], flown: null });
  const apply = (version: number, text: string) =>
    device.locksmith(['apply', '-'], device.sign({ version, files: { 'aim.conf': text } }).jws);
  await apply(1, 'one\n');
  await apply(2, 'one\n');
  appendFileSync(join(device.state, 'log'), '2026-01-02T03:04:05.006Z notice  by hand\n');
  const { history, log } = await reader.read();
  const applied = history.filter(({ line }) => line.startsWith('applied'));
  t.match(applied, [
    { config: 'aim', version: 1 },
    { config: 'aim', version: null },
  ]);
  t.equal(log.at(-1)?.text, 'by hand');
  t.equal((await reader.read()).log.length, log.length, 'nothing twice');
});

t.test('the last flight that the device still has, with its corrections', async (t) => {
  const device = loneDevice(t);
  const path = join(device.state, 'telemetry');
  const journal = createJournal({
    files: hostFiles(),
    sha256,
    path,
    onLost: (error) => void t.fail(String(error)),
    onTrouble() {},
  });
  await journal.open([createLaneMemory('b'), createTrackMemory()]);
  const batch = (flight: string, seq: number, atMs: number, largest_correction_m: number | null) => ({
    type: 'Feature',
    geometry: {
      type: 'LineString',
      coordinates: [
        [8, 47, 10, atMs],
        [8.1, 47, 11, atMs + 60_000],
      ],
    },
    properties: {
      ...{ flight, seq, error_m: 1, raw_points: 600, boot_ms: 5000, gaps_ms: [], end: 'time' },
      largest_correction_m,
    },
  });
  const batches = [batch('one', 1, 0, 9), batch('two', 1, 100_000, 0.4), batch('two', 2, 160_000, null)];
  await journal.append(batches.map((each, index) => keptRecord(index + 1, 'track', 0, each)));
  await journal.close();
  const { flown } = await createPageReader(readSettings(device.settings)).read();
  t.match(flown, { flight: 'two', error_m: 1, raw_points: 1200, largest_correction_m: 0.4 });
  t.same(flown?.corrections, [{ atMs: 100_000, m: 0.4 }]);
  t.equal(flown?.lines.flat().length, 3);
});

t.test('what a check said of a file that not everybody may read is not shown to whoever looks', async (t) => {
  const check = { argv: ['sh', '-c', 'cat "$0"; exit 1', '{staged}'] };
  const device = loneDevice(t, { everyConfig: { check } });
  await device.locksmith(['apply', '-'], device.sign({ version: 1, files: { 'aim.conf': 'hunter2\n' } }).jws);
  const reader = createPageReader(readSettings(device.settings));
  const texts = async () => {
    const { status, history, log } = await reader.read();
    return [status.configs.aim?.last_attempt?.reason, history.at(-1)?.line, log.at(-1)?.text];
  };
  for (const text of await texts()) t.match(text, /^((?!hunter2).)*for root: locksmith log$/);
  for (const dir of [device.dir, device.etc]) chmodSync(dir, 0o755);
  for (const text of await texts()) t.match(text, /hunter2/);
});
