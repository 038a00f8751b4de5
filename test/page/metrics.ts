import t from 'tap';
import { metricsOf } from '../../agent/page/metrics.ts';
import type { LockState } from '../../agent/values/lock.ts';
import { PAGE_NOW_MS } from '../fixtures/page.ts';
import { calmStatus } from '../fixtures/status.ts';

/** Reads the text format of OpenMetrics 1.0 strictly: families by name; throws for what a scraper would refuse. */
function parse(text: string): ReadonlyMap<string, readonly string[]> {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.pop() !== '# EOF') throw new Error('does not end with # EOF');
  const families = new Map<string, string[]>();
  let current: { name: string; type: string } | null = null;
  for (const line of lines) {
    const [, keyword, name = '', rest = ''] = /^# (TYPE|HELP|UNIT) ([a-z_]+) (.+)$/.exec(line) ?? [];
    if (keyword === 'TYPE') {
      if (families.has(name)) throw new Error(`${name} stands twice`);
      if (!/^(gauge|counter|info)$/.test(rest)) throw new Error(`no such type: ${rest}`);
      current = { name, type: rest };
      families.set(name, []);
      continue;
    }
    if (current === null) throw new Error(`stands before a TYPE: ${line}`);
    if (keyword !== undefined) {
      if (name !== current.name) throw new Error(`${keyword} of another family: ${line}`);
      if (keyword === 'UNIT' && !name.endsWith(`_${rest}`)) throw new Error(`${name} does not end with its unit`);
      continue;
    }
    const suffix = { counter: '_total', info: '_info', gauge: '' }[current.type] ?? '';
    const sample = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (-?\d+(?:\.\d+)?)$/.exec(line);
    if (sample === null || sample[1] !== current.name + suffix)
      throw new Error(`no sample of ${current.name}: ${line}`);
    families.get(current.name)?.push(line);
  }
  return families;
}

t.test('a scraper can read it, and finds what matters', async (t) => {
  const families = parse(metricsOf(calmStatus(), PAGE_NOW_MS));
  t.same(families.get('locksmith_lock_hot'), ['locksmith_lock_hot{config="aim_lock_config",verdict="none"} 0']);
  t.same(families.get('locksmith_link_connected'), ['locksmith_link_connected 1']);
  t.same(families.get('locksmith_refusals'), ['locksmith_refusals_total{code="schema"} 1']);
  t.same(families.get('locksmith_link_round_trip_seconds'), ['locksmith_link_round_trip_seconds 0.003']);
  t.same(families.get('locksmith_telemetry_backlog_messages'), ['locksmith_telemetry_backlog_messages 0']);
  t.same(families.get('locksmith_machine_memory_available_bytes'), [
    'locksmith_machine_memory_available_bytes 1660000000',
  ]);
  t.notOk(families.has('locksmith_machine_battery_ratio'), 'it has none');
});

t.test('telemetry that waits and that was given up, and a machine with batteries', async (t) => {
  const calm = calmStatus();
  const families = parse(
    metricsOf(
      calmStatus({
        backlog: { count: 1, bytes: 9, telemetry: { count: 37_012, bytes: 8_000_000 } },
        counters: { outcomes: {}, refused: {}, dropped: { track: 512, position: 99_000, hb: 0 } },
        machine: calm.machine && { ...calm.machine, battery: { bq: { percent: 58 }, old: { volts: 3.7 } } },
      }),
      PAGE_NOW_MS,
    ),
  );
  t.same(families.get('locksmith_telemetry_backlog_messages'), ['locksmith_telemetry_backlog_messages 37012']);
  t.same(families.get('locksmith_telemetry_backlog_bytes'), ['locksmith_telemetry_backlog_bytes 8000000']);
  t.same(families.get('locksmith_telemetry_dropped'), [
    'locksmith_telemetry_dropped_total{lane="track"} 512',
    'locksmith_telemetry_dropped_total{lane="position"} 99000',
    'locksmith_telemetry_dropped_total{lane="hb"} 0',
  ]);
  t.same(families.get('locksmith_machine_load'), ['locksmith_machine_load 0.42']);
  t.same(families.get('locksmith_machine_disk_available_bytes'), ['locksmith_machine_disk_available_bytes 3330000000']);
  t.same(families.get('locksmith_machine_temperature_celsius'), [
    'locksmith_machine_temperature_celsius{sensor="cpu-thermal"} 51.2',
    'locksmith_machine_temperature_celsius{sensor="nvme"} 38',
  ]);
  t.same(families.get('locksmith_machine_battery_ratio'), ['locksmith_machine_battery_ratio{supply="bq"} 0.58']);
});

t.test('a HOT lock, hostile names, and what is not known', async (t) => {
  const hot: LockState = {
    ...{ state: 'HOT', verdict: 'held', holder: null, since: '2026-11-22T03:11:00.000Z', token: 3, refusals: 0 },
    file: 'x',
  };
  const calm = calmStatus();
  const agent = { ...calm.agent, last_beat_age_s: null, version: 'a"b\\c\nd' };
  const families = parse(
    metricsOf(calmStatus({ locks: { aim: hot }, link: null, counters: null, machine: null, agent }), PAGE_NOW_MS),
  );
  t.same(families.get('locksmith_lock_hot_seconds'), ['locksmith_lock_hot_seconds{config="aim"} 60']);
  t.same(families.get('locksmith_agent'), ['locksmith_agent_info{device="drone-7",version="a\\"b\\\\c\\nd"} 1']);
  for (const absent of [
    'locksmith_agent_beat_age_seconds',
    'locksmith_refusals',
    'locksmith_link_state',
    'locksmith_telemetry_dropped',
    'locksmith_machine_load',
  ])
    t.notOk(families.has(absent), absent);
  t.same(families.get('locksmith_link_connected'), ['locksmith_link_connected 0']);
});
