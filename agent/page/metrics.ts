import type { Status } from '../values/status.ts';

type Labels = Readonly<Record<string, string>>;
interface Sample {
  readonly labels?: Labels;
  readonly value: number | null;
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

/** A family in the text format of OpenMetrics 1.0; nothing where no value is known. */
function family(
  name: string,
  type: 'gauge' | 'counter' | 'info',
  help: string,
  samples: readonly Sample[],
  unit = '',
): string {
  const known = samples.filter(({ value }) => value !== null);
  if (known.length === 0) return '';
  const suffix = type === 'counter' ? '_total' : type === 'info' ? '_info' : '';
  const lines = known.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
    return `${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
  });
  return `# TYPE ${name} ${type}\n${unit === '' ? '' : `# UNIT ${name} ${unit}\n`}# HELP ${name} ${help}\n${lines.join('')}`;
}

function machineFamilies(machine: Status['machine']): readonly string[] {
  const { load_1m = null, memory, disk, temperature_c = {}, battery = {} } = machine ?? {};
  const degrees = Object.entries(temperature_c).map(([sensor, value]) => ({ labels: { sensor }, value }));
  const parts = Object.entries(battery).map(([supply, { percent }]) => ({
    labels: { supply },
    value: percent === undefined ? null : percent / 100,
  }));
  const bytes = (what: string, help: string, value: number | undefined) =>
    family(`locksmith_machine_${what}_available_bytes`, 'gauge', help, [{ value: value ?? null }], 'bytes');
  return [
    family('locksmith_machine_load', 'gauge', 'Processes that run or want to, over a minute.', [{ value: load_1m }]),
    bytes('memory', 'Memory that programs can still have.', memory?.available_bytes),
    bytes('disk', "Room left where the agent's state is.", disk?.available_bytes),
    family('locksmith_machine_temperature_celsius', 'gauge', 'What a thermometer says.', degrees, 'celsius'),
    family('locksmith_machine_battery_ratio', 'gauge', 'How full a battery is.', parts, 'ratio'),
  ];
}

/** What a scraper on the device reads: the status as numbers. */
export function metricsOf(status: Status, nowMs: number): string {
  const { agent, link, clock, backlog, configs, locks, counters, device, vehicle, machine } = status;
  const flag = (is: boolean) => (is ? 1 : 0);
  const eachLock = Object.entries(locks).map(([config, lock]) => ({ config, lock }));
  const eachConfig = Object.entries(configs).map(([config, reported]) => ({ config, reported }));
  const since = (at: string | null) => (at === null ? null : Math.max(0, (nowMs - Date.parse(at)) / 1000));
  const outcomes = Object.entries(counters?.outcomes ?? {});
  return [
    family('locksmith_agent', 'info', 'The agent of this device.', [
      { labels: { device, version: agent.version ?? '' }, value: 1 },
    ]),
    family('locksmith_agent_state', 'gauge', '1 for the state the agent is in.', [
      { labels: { state: agent.state }, value: 1 },
    ]),
    family(
      'locksmith_agent_beat_age_seconds',
      'gauge',
      'Time since the agent last moved.',
      [{ value: agent.last_beat_age_s }],
      'seconds',
    ),
    family('locksmith_link_connected', 'gauge', '1 while messages can be sent.', [
      { value: flag(link?.connected === true) },
    ]),
    family(
      'locksmith_link_state',
      'gauge',
      '1 for the state the link is in.',
      link === null ? [] : [{ labels: { state: link.state }, value: 1 }],
    ),
    family('locksmith_link_reconnects', 'counter', 'Links made again since the agent started.', [
      { value: link?.reconnects ?? null },
    ]),
    family(
      'locksmith_link_round_trip_seconds',
      'gauge',
      'Last time from a question to the answer of the broker.',
      [{ value: link?.round_trip_ms == null ? null : link.round_trip_ms / 1000 }],
      'seconds',
    ),
    family('locksmith_clock_trusted', 'gauge', '0 while the clock is earlier than a time this device has seen.', [
      { value: flag(clock.trust === 'ok') },
    ]),
    family(
      'locksmith_vehicle_safe',
      'gauge',
      '1 while a config that waits for a safe vehicle may be changed.',
      vehicle === null ? [] : [{ labels: { safety: vehicle.safety }, value: flag(vehicle.safety === 'safe') }],
    ),
    family('locksmith_backlog_messages', 'gauge', 'Reports that wait for the broker.', [{ value: backlog.count }]),
    family('locksmith_backlog_bytes', 'gauge', 'Size of the reports that wait.', [{ value: backlog.bytes }], 'bytes'),
    family(
      'locksmith_telemetry_backlog_messages',
      'gauge',
      'Heartbeats, positions and tracks that wait for the broker.',
      [{ value: backlog.telemetry?.count ?? null }],
    ),
    family(
      'locksmith_telemetry_backlog_bytes',
      'gauge',
      'Size of the telemetry that waits.',
      [{ value: backlog.telemetry?.bytes ?? null }],
      'bytes',
    ),
    family(
      'locksmith_telemetry_dropped',
      'counter',
      'Telemetry given up since the agent started: too much, or too old.',
      Object.entries(counters?.dropped ?? {}).map(([lane, value]) => ({ labels: { lane }, value })),
    ),
    ...machineFamilies(machine),
    family(
      'locksmith_config_version',
      'gauge',
      'Version that runs; 0 before the first.',
      eachConfig.map(({ config, reported: { running } }) => ({
        labels: { config, layer: running.layer ?? 'none' },
        value: running.version,
      })),
    ),
    family(
      'locksmith_config_pending',
      'gauge',
      '1 while an update waits.',
      eachConfig.map(({ config, reported }) => ({ labels: { config }, value: flag(reported.pending !== null) })),
    ),
    family(
      'locksmith_config_drift',
      'gauge',
      '1 while the disk is not what Locksmith put there.',
      eachConfig.map(({ config, reported }) => ({ labels: { config }, value: flag(reported.drift !== null) })),
    ),
    family(
      'locksmith_lock_hot',
      'gauge',
      '1 while the lock is HOT.',
      eachLock.map(({ config, lock }) => ({
        labels: { config, verdict: lock.verdict ?? 'none' },
        value: flag(lock.state === 'HOT'),
      })),
    ),
    family(
      'locksmith_lock_hot_seconds',
      'gauge',
      'How long the lock has been HOT.',
      eachLock.map(({ config, lock }) => ({ labels: { config }, value: lock.state === 'HOT' ? since(lock.since) : 0 })),
      'seconds',
    ),
    family(
      'locksmith_lock_fence',
      'gauge',
      'Fencing number of the lock.',
      eachLock.map(({ config, lock }) => ({ labels: { config }, value: lock.token })),
    ),
    family(
      'locksmith_updates',
      'counter',
      'Updates since the agent started, by how they ended.',
      outcomes.map(([outcome, value]) => ({ labels: { outcome }, value })),
    ),
    family(
      'locksmith_refusals',
      'counter',
      'Refusals since the agent started, by code.',
      Object.entries(counters?.refused ?? {}).map(([code, value]) => ({ labels: { code }, value })),
    ),
    '# EOF\n',
  ].join('');
}
