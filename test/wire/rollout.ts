import t from 'tap';
import { parsePlan, planTopic, STAGES } from '../../agent/fleet/rollout/plan.ts';
import { ROLLOUT_TOPICS } from '../../agent/values/topics.ts';
import { PLAN_SCHEMA } from '../../agent/wire/rollout.ts';
import { plan, rules, wave } from '../fixtures/rollout.ts';
import { whyNotFits } from '../fixtures/wire.ts';

const without = (value: object, name: string) =>
  Object.fromEntries(Object.entries(value).filter(([member]) => member !== name));

t.test('a plan is what the schema says, and what does not fit is not read', async (t) => {
  for (const stage of STAGES) {
    const one = plan({ stage, waves: [wave(['d1'], { group: 'canary' }), wave(['d2'])], why: 'a word' });
    t.equal(whyNotFits(PLAN_SCHEMA, one), null, stage);
    t.ok(parsePlan(one));
  }
  const wrong: readonly object[] = [
    ...PLAN_SCHEMA.required.filter((name) => name !== 'why').map((name) => without(plan(), name)),
    { ...plan(), target: 'dev/d1' },
    { ...plan(), waves: [{ ...wave(['d1']), success: 101 }] },
    { ...plan(), waves: [{ ...wave(['d1']), devices: ['a b'] }] },
    { ...plan(), rules: { ...rules(), hot: 'cold' } },
    { ...plan(), stage: 'dancing' },
    { ...plan(), v: 2 },
  ];
  for (const one of wrong) {
    t.type(whyNotFits(PLAN_SCHEMA, one), 'string', JSON.stringify(one));
    t.equal(parsePlan(one), null, JSON.stringify(one));
  }
});

t.test('it is kept where the table says', async (t) => {
  t.equal(planTopic('fleet', 'spring'), ROLLOUT_TOPICS.plan.replace('{root}', 'fleet').replace('{rollout}', 'spring'));
});
