import t from 'tap';
import { type HeartbeatInput, heartbeat, startBeating } from '../../agent/telemetry/heartbeat.ts';
import { NO_LANES } from '../../agent/values/lanes.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { VEHICLE } from '../fixtures/vehicle.ts';

const INPUT: HeartbeatInput = {
  seq: 7,
  boot: 'b',
  wallMs: Date.UTC(2026, 10, 22),
  clock: 'untrusted',
  sentBytesPerH: 170_000,
  uptimeMs: 61_999,
  agentVersion: '0.1.0',
  link: {
    ...{ state: 'connected', connected: true, words: 'connected and subscribed', remedy: null },
    ...{ since: '2026-11-22T00:00:00.000Z', reconnects: 2, url: 'mqtt://broker', round_trip_ms: 1.5 },
  },
  backlog: { count: 3, bytes: 900, telemetry: { count: 1, bytes: 80 } },
  configs: { camera: { version: 42, digest: 'sha256:aa' } },
  locks: { camera: { state: 'HOT', verdict: 'held', token: 5 } },
  counters: {
    applied: 1,
    failed: 0,
    rolled_back: 1,
    superseded: 0,
    withdrawn: 0,
    expired: 0,
    duplicates: 2,
    refused: { schema: 1 },
    dropped: NO_LANES,
  },
  vehicle: null,
  machine: null,
};

t.test('a heartbeat says what the wire promises, and no more', async (t) => {
  t.same(heartbeat(INPUT), {
    seq: 7,
    boot: 'b',
    at: '2026-11-22T00:00:00.000Z',
    clock: 'untrusted',
    uptime_s: 61,
    agent_version: '0.1.0',
    link: { since: '2026-11-22T00:00:00.000Z', reconnects: 2, round_trip_ms: 1.5, sent_bytes_per_h: 170_000 },
    backlog: { count: 3, bytes: 900, telemetry: { count: 1, bytes: 80 } },
    configs: { camera: { version: 42, digest: 'sha256:aa' } },
    locks: { camera: { state: 'HOT', verdict: 'held', token: 5 } },
    counters: {
      applied: 1,
      failed: 0,
      rolled_back: 1,
      superseded: 0,
      withdrawn: 0,
      expired: 0,
      duplicates: 2,
      refused: { schema: 1 },
      dropped: NO_LANES,
    },
  });
});

t.test('what the machine says is in it as it was read', async (t) => {
  const machine = { at: '2026-11-22T00:00:00.000Z', cores: 4, load_1m: 0.5, agent_rss_bytes: 1 };
  t.same(heartbeat({ ...INPUT, machine }).machine, machine);
  t.notOk('machine' in heartbeat(INPUT), 'absent where it could not be read');
});

t.test('the vehicle is in it where there is one', async (t) => {
  const vehicle = { ...VEHICLE, reason: 'armed' };
  t.same(heartbeat({ ...INPUT, vehicle }).vehicle, vehicle);
  t.notOk('vehicle' in heartbeat(INPUT));
});

t.test('the first beat falls anywhere in the interval, the others one interval apart', async (t) => {
  for (const unit of [0, 0.25, 0.999]) {
    const clock = manualClock();
    const beats: number[] = [];
    const stop = startBeating(clock, 30_000, unit, () => void beats.push(clock.bootMs()));
    clock.advance(95_000);
    stop();
    clock.advance(95_000);
    const first = unit * 30_000;
    t.same(
      beats,
      [first, first + 30_000, first + 60_000, first + 90_000].filter((ms) => ms <= 95_000),
    );
  }
});

t.test('a beat that throws is not the last', async (t) => {
  const clock = manualClock();
  let beats = 0;
  startBeating(clock, 1000, 0, () => {
    beats += 1;
    throw new Error('the disk is full');
  });
  for (let i = 0; i < 3; i += 1) t.throws(() => clock.advance(1000));
  t.equal(beats, 3);
});
