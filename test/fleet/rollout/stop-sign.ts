import t, { type Test } from 'tap';
import { bodyOf } from '../../../agent/fleet/kept.ts';
import { keepPlan } from '../../../agent/fleet/rollout/desk.ts';
import type { Plan } from '../../../agent/fleet/rollout/plan.ts';
import { sendAll, sendHalt } from '../../../agent/fleet/rollout/sender.ts';
import { leaveSign } from '../../../agent/fleet/rollout/stop-sign.ts';
import { fakeFleet } from '../../fixtures/fake-fleet.ts';
import { plan } from '../../fixtures/rollout.ts';
import { rolloutOperator } from '../../fixtures/rollout-operator.ts';

const until = Math.floor(Date.now() / 1000) + 3600;

/** What becomes of the sign of another roll-out when ours wants to leave one: what is said, and what is at the broker then. */
async function after(t: Test, autumn: Partial<Plan>, shadow: 'none' | 'left' | 'withdrawn') {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(['d1']);
  const link = fleet.link();
  const other = plan({ name: 'autumn', stage: 'halted', until, ...autumn });
  const theirs = await operator.run(link, other);
  await keepPlan(link, 'fleet', other, operator.signer);
  await sendHalt(link, other, { lift: false, note: 'gimbals turn' }, theirs);
  for (const withdraw of shadow === 'none' ? [] : shadow === 'left' ? [false] : [false, true]) {
    await sendAll(link, other, [{ address: 'dev/d1', layer: 'shadow', withdraw }], {
      ...theirs,
      isStopped: () => false,
    });
  }
  const ours = await operator.run(link, plan({ until }));
  const said = await leaveSign(link, ours, 'd1 failed');
  const kept = bodyOf(Buffer.from(fleet.retained.get('fleet/v1/all/halt') ?? ''));
  return { said, kept };
}

t.test('a sign that holds nothing any more makes room', async (t) => {
  for (const shadow of ['none', 'withdrawn'] as const) {
    for (const config of ['aim', 'nav']) {
      const name = `${config}, ${shadow}`;
      t.match(await after(t, { config }, shadow), { said: null, kept: { rollout: 'spring', note: 'd1 failed' } }, name);
    }
  }
});

t.test('one that still holds something stays, and it is said', async (t) => {
  const stays = { said: /^no stop sign is left, all has another one \(version \d+\)$/, kept: { rollout: 'autumn' } };
  t.match(await after(t, { stage: 'paused' }, 'none'), stays, 'it may be gone on with');
  t.match(await after(t, {}, 'left'), stays, 'what an operator who was cut off has sent after all');
});

t.test('there is one for all that this one needs', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(['d1']);
  const link = fleet.link();
  const run = await operator.run(link, plan());
  t.equal(await leaveSign(link, run, 'one'), null);
  const first = fleet.retained.get('fleet/v1/all/halt');
  t.equal(await leaveSign(link, run, 'two'), null);
  t.equal(fleet.retained.get('fleet/v1/all/halt'), first, 'its own is there');
});
