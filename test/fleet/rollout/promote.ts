import t from 'tap';
import { draftPlan } from '../../../agent/fleet/rollout/draft.ts';
import type { Plan } from '../../../agent/fleet/rollout/plan.ts';
import { attend } from '../../../agent/fleet/rollout/run.ts';
import { fakeFleet } from '../../fixtures/fake-fleet.ts';
import { plan as planOf, rules, wave } from '../../fixtures/rollout.ts';
import { NEW_DIGEST, type Operator, rolloutOperator } from '../../fixtures/rollout-operator.ts';

const IDS = ['d1', 'd2', 'd3'];
const nowS = () => Math.floor(Date.now() / 1000);
const PLAN: Plan = planOf({
  ...{ digest: NEW_DIGEST, until: nowS() + 3600, version: 0, since: nowS(), rules: rules({ soak_s: 0, within_s: 20 }) },
  ...{ name: 'spring', waves: [wave(['d1']), wave(['d2', 'd3'], { name: 'wave 1' })] },
});

/** A roll-out that d3 left before its promotion. */
async function behind(operator: Operator) {
  const fleet = fakeFleet(IDS);
  const link = fleet.link((topic) => {
    if (topic === 'fleet/v1/all/desired/aim/base') fleet.setOnline('d3', false);
  });
  const { end, plan } = await operator.goOn(link, PLAN);
  t.match(end, { kind: 'done', left: ['d3'] });
  t.same(fleet.shadowed(), ['d3']);
  return { fleet, plan };
}

/** The next one, as `start` plans it. */
async function next(operator: Operator, fleet: ReturnType<typeof fakeFleet>, over: readonly string[]) {
  const here = operator.machine(planOf({ name: 'summer' }));
  await attend(fleet.link(), here);
  return draftPlan(here.scene, {
    ...{ name: 'summer', config: 'aim', target: 'all', digest: NEW_DIGEST, until: nowS() + 3600, rules: PLAN.rules },
    ...{ waves: [{ kind: 'percent', percent: 100 }], success: 100, withOffline: false, over },
  });
}

t.test(
  'what is left of a roll-out that is over gives way to the next one, on who is back and on who is not',
  async (t) => {
    const operator = await rolloutOperator(t);
    for (const isBack of [true, false]) {
      const { fleet } = await behind(operator);
      if (isBack) fleet.setOnline('d3', true);
      t.match(
        await next(operator, fleet, []),
        { hidden: [{ device: 'd3', by: /^shadow version/ }] },
        'of anything else',
      );
      const draft = await next(operator, fleet, ['spring']);
      t.match(draft, { hidden: [], plan: { over: ['spring'], later: isBack ? [] : ['d3'] } });
      const { end } = await operator.goOn(fleet.link(), draft.plan);
      t.match(end, { kind: 'done', left: [] });
      if (!isBack) fleet.setOnline('d3', true);
      for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
      t.same(fleet.shadowed(), []);
      for (const id of IDS) t.match(fleet.runs(id), { layer: 'base', address: 'all', digest: NEW_DIGEST }, id);
    }
  },
);

t.test('a roll-out is promoted again for who is back', async (t) => {
  const operator = await rolloutOperator(t);
  const { fleet, plan } = await behind(operator);
  fleet.setOnline('d3', true);
  const { end } = await operator.goOn(fleet.link(), { ...plan, stage: 'promoting', since: nowS() });
  t.match(end, { kind: 'done', left: [] });
  t.same(fleet.shadowed(), []);
  t.equal(fleet.writes('d3'), 1, 'nothing is written again');
});
