import t from 'tap';
import type { Plan } from '../../../agent/fleet/rollout/plan.ts';
import { fakeFleet } from '../../fixtures/fake-fleet.ts';
import { plan as planOf, rules, wave } from '../../fixtures/rollout.ts';
import { NEW_DIGEST, rolloutOperator } from '../../fixtures/rollout-operator.ts';
import { until } from '../../fixtures/until.ts';

const IDS = ['d1', 'd2', 'd3'];
const nowS = () => Math.floor(Date.now() / 1000);
const fresh = (changes: Partial<Plan['rules']> = {}): Plan =>
  planOf({
    ...{ digest: NEW_DIGEST, until: nowS() + 3600, version: 0, since: nowS(), waves: [wave(IDS)] },
    rules: rules({ soak_s: 0, release: true, ...changes }),
  });

t.test('a lock that is left again after its release is not released for ever', async (t) => {
  const operator = await rolloutOperator(t);
  for (const [hot, expected] of [
    ['stop', { end: { kind: 'held', why: /^d2: aim\.conf HOT, orphaned: pid 7 .*, token 4$/ } }],
    ['skip', { end: { kind: 'done' }, plan: { skipped: ['d2'] } }],
    ['wait', { end: { kind: 'failed', why: /d2 hot: / } }],
  ] as const) {
    const fleet = fakeFleet(IDS);
    fleet.manner('d2', 'leaks');
    const said = await operator.goOn(fleet.link(), fresh({ hot, within_s: hot === 'wait' ? 3 : 60 }));
    t.match(said, expected, hot);
    t.same(fleet.commands, ['release d2'], hot);
  }
});

t.test('who does not answer keeps nobody waiting: a failure and a halt are seen meanwhile', async (t) => {
  const operator = await rolloutOperator(t);
  const begin = async () => {
    const fleet = fakeFleet(IDS);
    t.teardown(fleet.cut);
    fleet.manner('d1', 'deaf');
    fleet.manner('d2', 'deaf');
    fleet.manner('d3', 'silent');
    const going = operator.goOn(fleet.link(), fresh());
    await until('both were asked', () => fleet.commands.length === 2);
    return { fleet, going };
  };
  const one = await begin();
  one.fleet.manner('d3', 'fails');
  t.match((await one.going).end, { kind: 'failed', why: /d3 failed/ });
  const two = await begin();
  const halt = { v: 1, id: 'h', aud: 'all', version: 3, iat: 5 };
  two.fleet.publish('fleet/v1/all/halt', `x.${Buffer.from(JSON.stringify(halt)).toString('base64url')}.x`, true);
  t.match((await two.going).end, { kind: 'held', why: /^halt version 3/ });
});

t.test('the link is lost meanwhile: it is asked again over the next one', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  fleet.manner('d2', 'deaf');
  const going = operator.goOn(fleet.link(), fresh(), { connect: async () => fleet.link() });
  await until('it was asked', () => fleet.commands.length === 1);
  fleet.manner('d2', 'hot');
  fleet.cut();
  t.match((await going).end, { kind: 'done' });
  t.same(fleet.commands, ['release d2', 'release d2']);
});
