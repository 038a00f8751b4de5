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
});

t.test('a HOT lock, hostile names, and what is not known', async (t) => {
  const hot: LockState = {
    ...{ state: 'HOT', verdict: 'held', holder: null, since: '2026-11-22T03:11:00.000Z', token: 3, refusals: 0 },
    file: 'x',
  };
  const calm = calmStatus();
  const agent = { ...calm.agent, last_beat_age_s: null, version: 'a"b\\c\nd' };
  const families = parse(
    metricsOf(calmStatus({ locks: { aim: hot }, link: null, counters: null, agent }), PAGE_NOW_MS),
  );
  t.same(families.get('locksmith_lock_hot_seconds'), ['locksmith_lock_hot_seconds{config="aim"} 60']);
  t.same(families.get('locksmith_agent'), ['locksmith_agent_info{device="drone-7",version="a\\"b\\\\c\\nd"} 1']);
  for (const absent of ['locksmith_agent_beat_age_seconds', 'locksmith_refusals', 'locksmith_link_state'])
    t.notOk(families.has(absent), absent);
  t.same(families.get('locksmith_link_connected'), ['locksmith_link_connected 0']);
});
