import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostFiles } from '../../agent/host/files.ts';
import type { Heartbeat } from '../../agent/telemetry/heartbeat.ts';
import { openPulse } from '../../agent/telemetry/pulse.ts';
import { NO_LANES } from '../../agent/values/lanes.ts';
import type { LinkState } from '../../agent/values/link.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

const up: LinkState = {
  state: 'connected',
  connected: true,
  words: 'connected',
  remedy: null,
  since: '2026-01-01T00:00:00.000Z',
  reconnects: 1,
  url: 'mqtt://127.0.0.1:1883',
  round_trip_ms: 2,
};

const machine = { at: '2026-01-01T00:00:00.000Z', cores: 2, load_1m: 0, agent_rss_bytes: 5 };
/** A beat waits for its sensors. */
const turn = () => new Promise(setImmediate);

function pulse(path: string, intervalMs = 30_000) {
  const clock = manualClock();
  const down: LinkState = { ...up, connected: false, state: 'silent' };
  const link = { now: down };
  const sent: Heartbeat[] = [];
  const said: string[] = [];
  const opened = openPulse({
    clock,
    files: hostFiles(),
    log: { say: (_level, line) => void said.push(line) },
    path,
    pid: 42,
    agentVersion: '0.1.0',
    intervalMs,
    unit: 0.5,
    readings: () => ({
      clock: 'ok',
      sentBytesPerH: 0,
      backlog: { count: 0, bytes: 0, telemetry: { count: 0, bytes: 0 } },
      configs: {},
      locks: {},
      counters: {
        applied: 0,
        failed: 0,
        rolled_back: 1,
        superseded: 0,
        withdrawn: 0,
        expired: 0,
        duplicates: 0,
        refused: {},
        dropped: NO_LANES,
      },
    }),
    link: () => link.now,
    vehicle: () => null,
    say: (beat) => void sent.push(beat),
    machine: { look: async () => machine },
    onBug: (error) => void said.push(String(error)),
  });
  return { clock, link, sent, said, opened, status: () => JSON.parse(readFileSync(path, 'utf8')) };
}

t.test('the file says at once how it is, and with each beat what the broker is told', async (t) => {
  const path = join(t.testdir(), 'status.json');
  const { clock, link, sent, opened, status } = pulse(path);
  opened.start();
  t.same(status(), {
    pid: 42,
    version: '0.1.0',
    since: '2026-01-01T00:00:00.000Z',
    at: '2026-01-01T00:00:00.000Z',
    link: link.now,
    vehicle: null,
    heartbeat: null,
  });
  t.equal(statSync(path).mode & 0o777, 0o644);
  clock.advance(15_000);
  await turn();
  t.match(
    status(),
    { at: '2026-01-01T00:00:15.000Z', heartbeat: { seq: 1, uptime_s: 15, machine: { cores: 2 } } },
    'also without a link',
  );
  t.equal(sent.length, 1, 'whoever keeps it decides how it goes');
  link.now = up;
  opened.changed();
  t.match(status(), { link: { state: 'connected' }, heartbeat: { seq: 1 } });
  clock.advance(30_000);
  await turn();
  t.equal(sent.length, 2);
  t.same(sent[1], status().heartbeat);
  t.equal(status().heartbeat.seq, 2);
  opened.stop();
  clock.advance(90_000);
  await turn();
  t.equal(sent.length, 2);
});

t.test('a file that cannot be written stops no beat', async (t) => {
  const dir = join(t.testdir(), 'run');
  const { clock, link, sent, said, opened, status } = pulse(join(dir, 'status.json'));
  link.now = up;
  opened.start();
  clock.advance(15_000);
  await turn();
  t.equal(sent.length, 1);
  t.match(said, [/status\.json cannot be written/]);
  mkdirSync(dir);
  clock.advance(30_000);
  await turn();
  t.match(status(), { heartbeat: { seq: 2 } }, 'and heals');
  t.equal(sent.length, 2);
});

t.test('beats that come often are shown every ten seconds, and what changes at once', async (t) => {
  const { clock, link, sent, opened, status } = pulse(join(t.testdir(), 'status.json'), 1000);
  opened.start();
  const shown = new Set<number>();
  for (let second = 0; second < 40; second += 1) {
    clock.advance(1000);
    await turn();
    const seq = status().heartbeat?.seq ?? 0;
    t.ok(sent.length - seq <= 10, `${seq} of ${sent.length}`);
    shown.add(seq);
  }
  t.equal(sent.length, 40);
  t.ok(shown.size <= 6, `written ${shown.size} times`);
  link.now = up;
  opened.changed();
  t.match(status(), { link: { state: 'connected' }, heartbeat: { seq: 40 } });
  opened.stop();
});

t.test('the first of frequent heartbeats is in the file at once', async (t) => {
  const { clock, opened, status } = pulse(join(t.testdir(), 'status.json'), 500);
  opened.start();
  clock.advance(500);
  await turn();
  t.equal(status().heartbeat?.seq, 1);
  opened.stop();
});
