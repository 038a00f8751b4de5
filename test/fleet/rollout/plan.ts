import t from 'tap';
import { addressesIn, addressIn, contentTopic, parsePlan, planTopic } from '../../../agent/fleet/rollout/plan.ts';
import { plan, rules, wave } from '../../fixtures/rollout.ts';

t.test('a plan is read as it was written', async (t) => {
  for (const one of [plan(), plan({ target: 'grp/a', stage: 'paused', why: 'HOT', skipped: ['d1'], wave: 1 })]) {
    t.same(parsePlan(JSON.parse(JSON.stringify(one))), one);
  }
});

t.test('one of a version that knew nothing of what is over', async (t) => {
  const { over: _over, ...older } = plan();
  t.same(parsePlan(older), plan());
});

t.test('anything else is none', async (t) => {
  const bad: readonly object[] = [
    { v: 2 },
    { name: 'a b' },
    { version: -1 },
    { config: '' },
    { target: 'dev/d1' },
    { target: 'x' },
    { digest: 'x' },
    { until: 'x' },
    { waves: {} },
    { waves: [{ ...wave(['d1']), devices: ['a b'] }] },
    { waves: [{ ...wave(['d1']), success: 101 }] },
    { waves: [{ ...wave(['d1']), group: 'a b' }] },
    { rules: null },
    { rules: { ...rules(), hot: 'x' } },
    { rules: { ...rules(), within_s: -1 } },
    { later: [1] },
    { stage: 'x' },
    { wave: 2 },
    { since: null },
    { skipped: 'd1' },
    { over: 'spring' },
    { runner: 7 },
  ];
  for (const change of bad) t.equal(parsePlan({ ...plan(), ...change }), null, JSON.stringify(change));
  for (const none of [null, 7, 'x', []]) t.equal(parsePlan(none), null);
});

t.test('topics that no device reads, and the addresses of a wave', async (t) => {
  t.equal(planTopic('fleet', 'spring'), 'fleet/v1/rollout/spring/plan');
  t.equal(contentTopic('fleet', 'spring'), 'fleet/v1/rollout/spring/content');
  t.same(addressesIn(wave(['d1', 'd2'])), ['dev/d1', 'dev/d2']);
  t.same(addressesIn(wave(['d1', 'd2'], { group: 'a' })), ['grp/a']);
  t.equal(addressIn(wave(['d1'], { group: 'a' }), 'd1'), 'grp/a');
  t.equal(addressIn(wave(['d1']), 'd1'), 'dev/d1');
});
