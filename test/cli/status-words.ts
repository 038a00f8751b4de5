import t from 'tap';
import { sayStatus } from '../../agent/cli/status-words.ts';
import type { Reported } from '../../agent/values/report.ts';
import type { Status } from '../../agent/values/status.ts';
import { calmStatus } from '../fixtures/status.ts';
import { VEHICLE } from '../fixtures/vehicle.ts';

const NOW = '2026-11-22T03:12:00.000Z';
const STAMP = { seq: 1, boot: 'b', at: NOW, clock: 'ok' } as const;
const DIGEST = `sha256:${'0'.repeat(64)}`;
const ATTEMPT = { id: 'u', version: 8, layer: 'base', address: 'all', digest: DIGEST, at: NOW } as const;
const RUNNING = {
  version: 7,
  layer: 'base',
  address: 'grp/canary',
  digest: DIGEST,
  since: '2026-11-21T23:00:00.000Z',
} as const;

function reported(more: Partial<Reported> = {}): Reported {
  return {
    ...STAMP,
    running: RUNNING,
    last_attempt: null,
    pending: null,
    drift: null,
    pinned: null,
    confirmed_by: null,
    ...more,
  };
}

const CALM = calmStatus({ configs: { aim_lock_config: reported() } });

const say = (status: Status, colour = false) => sayStatus(status, ['aim_lock_config'], { width: 80, colour });

t.test('a calm device on eight lines', async (t) => {
  t.equal(
    say(CALM),
    `device   drone-7, at 2026-11-22 03:12:00 UTC
agent    running 0.1.0, pid 75, since 01:19:38, 1 h 52 min ago; last beat 2 s
         ago
link     connected and subscribed, since 01:19:38, 1 h 52 min ago
  sends  42 kB an hour now
machine  load 0.4 on 4 cores, memory 41 % free, disk 3.1 GiB free, 51 °C
config   aim_lock_config: base version 7 for grp/canary, since 23:00:00, 4 h 12
         min ago
  lock   aim_lock_config.conf COLD
`,
  );
});

const NIGHT: Status = {
  ...CALM,
  clock: { trust: 'untrusted', now: '2020-01-01T00:00:00.000Z', floor: '2026-11-22T03:11:00.000Z' },
  agent: { ...CALM.agent, state: 'frozen', last_beat_age_s: 1900 },
  link: {
    ...{ state: 'certificate-not-yet-valid', connected: false, since: '2020-01-01T00:00:00.000Z', reconnects: 3 },
    ...{ words: "the broker's certificate is not valid yet: most often the clock of this device is wrong" },
    ...{ remedy: 'Let the device set its clock (GPS, NTP).', url: 'mqtts://broker:8883', round_trip_ms: null },
  },
  backlog: { count: 12, bytes: 4000, telemetry: { count: 37_012, bytes: 8_000_000 } },
  counters: { outcomes: {}, refused: {}, dropped: { track: 512, position: 99_000, hb: 2400 } },
  machine: null,
  configs: {
    aim_lock_config: reported({
      pending: { id: 'u', version: 8, waiting_for: ['lock', 'vehicle'] },
      drift: { digest: DIGEST },
      last_attempt: { ...ATTEMPT, result: 'refused', code: 'schema', reason: 'hold: must be <= 10' },
    }),
  },
  locks: {
    aim_lock_config: {
      ...{ state: 'HOT', verdict: 'orphaned', since: '2019-12-31T23:00:00.000Z', token: 3, refusals: 2 },
      ...{ holder: { pid: 4711, start: 1, command: 'flock', user: 'root', unit: null }, leaked_by: 4000 },
      file: 'aim_lock_config.conf',
    },
  },
  advice: { aim_lock_config: { explanation: 'x', remedy: 'Find out whether pid 4711 still works on the config.' } },
  hidden: ['the link (/run/locksmith/status.json)'],
};

t.test('the worst night says of everything what to do, and stays within 80 columns', async (t) => {
  const said = say(NIGHT);
  t.equal(
    said,
    `device   drone-7, at 2020-01-01 00:00:00 UTC
clock    WRONG: it is earlier than 2026-11-22 03:11, which this device has seen
  try    locksmith doctor
agent    frozen since 03:11:58, 31 min ago: pid 75 is there and does not move
  try    systemctl restart locksmith-agent
link     the broker's certificate is not valid yet: most often the clock of this
         device is wrong, since 00:00:00, 0 s ago
  try    Let the device set its clock (GPS, NTP).
outbox   12 reports and 37012 messages of telemetry wait for the broker
given up telemetry, too much or too old: 512 of track, 99000 of position, 2400
         of hb
config   aim_lock_config: base version 7 for grp/canary, since 2026-11-21
         23:00:00
  drift  what is on disk is not what Locksmith put there
  try    locksmith diff aim_lock_config
  waits  base version 8 for all, for lock, vehicle; it is applied by itself
  last   base version 8 refused: hold: must be <= 10 (schema)
  try    Correct the place that the reason names and push a higher version.
  lock   aim_lock_config.conf HOT (orphaned: held by pid 4711 flock, user root,
         left to it by pid 4000 which is gone, for 1 h)
  try    Find out whether pid 4711 still works on the config.
not seen without root: the link (/run/locksmith/status.json)
`,
  );
  for (const line of said.split('\n')) t.ok(line.length <= 80, line);
  const coloured = say(NIGHT, true);
  t.match(coloured, '\u001b[31mHOT\u001b[0m');
  t.match(coloured, '\u001b[31mfrozen\u001b[0m');
  t.match(coloured, '\u001b[31mWRONG\u001b[0m');
});

t.test('what is not known is said to be', async (t) => {
  const unknown: Status = {
    ...CALM,
    agent: { ...CALM.agent, state: 'unknown', last_beat: null, last_beat_age_s: null },
    link: null,
    machine: null,
    counters: null,
    configs: {},
    locks: {},
  };
  t.match(
    say(unknown),
    'agent    not known without root; last beat never\nconfig   aim_lock_config: nothing known yet\n',
  );
  const hot: Reported = reported({
    running: { ...RUNNING, version: 0, layer: null, address: null, since: null },
    pending: { id: null, version: 0, waiting_for: ['lock'] },
    last_attempt: { ...ATTEMPT, result: 'refused', code: 'lock-mismatch', reason: 'lock mismatch: x HOT' },
  });
  const said = say({
    ...CALM,
    configs: { aim_lock_config: hot },
    backlog: { count: 1, bytes: 9, telemetry: null },
    link: null,
  });
  t.match(said, 'outbox   1 report waits for the broker');
  t.match(said, 'as it was before Locksmith\n  waits  the return to what was before, for lock;');
  t.match(said, 'last   base version 8 refused: lock mismatch: x HOT\n  lock', 'the lock below it says what to do');
});

t.test('the vehicle, where there is one', async (t) => {
  const vehicle = { ...VEHICLE, since: '2026-11-22T03:02:00.000Z' };
  t.match(
    say({ ...CALM, vehicle }),
    `vehicle  safe: disarmed and landed, since 03:02:00, 10 min ago
  from   mavlink udp://127.0.0.1:14550 system 1, 1234 messages
  has    3d fix, 12 satellites, battery 87 %, 15.9 V
config`,
  );
});
