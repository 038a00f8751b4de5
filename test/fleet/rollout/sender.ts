import t, { type Test } from 'tap';
import type { Plan } from '../../../agent/fleet/rollout/plan.ts';
import { planTopic } from '../../../agent/fleet/rollout/plan.ts';
import { haltOver, sendAll } from '../../../agent/fleet/rollout/sender.ts';
import { type FakeFleet, fakeFleet } from '../../fixtures/fake-fleet.ts';
import { plan as planOf, rules, wave } from '../../fixtures/rollout.ts';
import { NEW_DIGEST, type Operator, rolloutOperator } from '../../fixtures/rollout-operator.ts';

const IDS = Array.from({ length: 100 }, (_, index) => `d${index + 1}`);
const nowS = () => Math.floor(Date.now() / 1000);
const PLAN = planOf({
  ...{ digest: NEW_DIGEST, until: nowS() + 3600, version: 0, since: nowS(), waves: [wave(IDS)] },
  rules: rules({ soak_s: 0 }),
});

/** Begins a wave of a hundred; `stop` is called when forty of them have it. How it ended, and who was sent something. */
async function stoppedAt40(t: Test, stop: (operator: Operator, fleet: FakeFleet) => Promise<() => void>) {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  const now = await stop(operator, fleet);
  const sent: string[] = [];
  const link = fleet.link((topic) => {
    if (!topic.endsWith('/shadow')) return;
    sent.push(topic);
    if (sent.length === 40) now();
  });
  const { end } = await operator.goOn(link, PLAN);
  return { end, sent: sent.length };
}

t.test('a wave that is under way is stopped by whoever takes the roll-out over', async (t) => {
  const { end, sent } = await stoppedAt40(t, async (operator, fleet) => {
    const theirs: Plan = { ...PLAN, version: 9, stage: 'undoing', runner: 'r2' };
    const jws = await operator.signer.signRollout(theirs);
    return () => fleet.publish(planTopic('fleet', theirs.name), jws, true);
  });
  t.match(end, { kind: 'taken' });
  t.equal(sent, 64, 'what was on its way with it');
});

t.test('and by a halt', async (t) => {
  const { end, sent } = await stoppedAt40(t, async (_operator, fleet) => {
    const halt = { v: 1, id: 'h', aud: 'all', version: 3, iat: 5 };
    const body = `x.${Buffer.from(JSON.stringify(halt)).toString('base64url')}.x`;
    return () => fleet.publish('fleet/v1/all/halt', body, true);
  });
  t.match(end, { kind: 'held' });
  t.equal(sent, 64);
});

t.test('what the broker acknowledges and does not keep is no success, shadow or base', async (t) => {
  const operator = await rolloutOperator(t);
  for (const wish of [
    { address: 'dev/d1', layer: 'shadow', withdraw: false },
    { address: 'all', layer: 'base', withdraw: false },
  ] as const) {
    const fleet = fakeFleet(['d1']);
    const link = fleet.link();
    const run = { ...(await operator.run(link, PLAN)), isStopped: () => false };
    const forgetful = { ...link, publish: (topic: string, jws: string) => link.publish(topic, jws, { retain: false }) };
    await t.rejects(sendAll(forgetful, PLAN, [wish], run), { exit: 1, message: /does not keep it/ }, wish.layer);
    await sendAll(link, PLAN, [wish], run);
    t.match(run.scene.kept(wish.address, wish.layer), { rollout: 'spring' });
  }
});

t.test('which halt holds a roll-out', async (t) => {
  const halt = { v: 1, id: 'h', aud: 'all', version: 3, iat: 1 } as const;
  const table: readonly (readonly [object, boolean])[] = [
    [{}, true],
    [{ rollout: 'spring' }, true],
    [{ rollout: 'autumn' }, false],
    [{ configs: ['nav', 'aim'] }, true],
    [{ configs: ['nav'] }, false],
    [{ lift: true }, false],
    [{ exp: 50 }, false],
  ];
  for (const [changes, expected] of table) {
    t.equal(haltOver({ ...halt, ...changes }, PLAN, 100) !== null, expected, JSON.stringify(changes));
  }
  t.equal(haltOver(null, PLAN, 100), null);
});
