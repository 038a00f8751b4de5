import t from 'tap';
import { type DraftWish, draftPlan, newName } from '../../../agent/fleet/rollout/draft.ts';
import { attend } from '../../../agent/fleet/rollout/run.ts';
import { NAME } from '../../../agent/values/units.ts';
import { type FakeFleet, fakeFleet } from '../../fixtures/fake-fleet.ts';
import { plan, rules } from '../../fixtures/rollout.ts';
import { NEW_DIGEST, rolloutOperator } from '../../fixtures/rollout-operator.ts';

const LATER = Math.floor(Date.now() / 1000) + 3600;
const WISH: DraftWish = {
  ...{ name: 'spring', config: 'aim', target: 'all', digest: NEW_DIGEST, until: LATER, rules: rules(), success: 90 },
  ...{
    ...{ withOffline: false, over: [] },
    waves: [
      { kind: 'devices', devices: ['d1'] },
      { kind: 'percent', percent: 100 },
    ],
  },
};
const GROUPS: Readonly<Record<string, readonly string[]>> = { d1: ['a'], d2: ['a', 'b'], d3: ['b'], d4: [] };
const groups = (id: string) => GROUPS[id] ?? [];

function put(fleet: FakeFleet, address: string, layer: string, more: object) {
  const payload = { v: 1, id: 'x', aud: address, config: 'aim', layer, version: 9, iat: LATER, ...more };
  const jws = `x.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x`;
  fleet.publish(`fleet/v1/${address}/desired/aim/${layer}`, jws, true);
}

t.test('who is in which wave, and who comes later', async (t) => {
  const operator = await rolloutOperator(t);
  const draft = async (fleet: FakeFleet, changes: Partial<DraftWish> = {}) => {
    const machine = operator.machine(plan());
    await attend(fleet.link(), machine);
    return draftPlan(machine.scene, { ...WISH, ...changes });
  };
  const fleet = fakeFleet(['d1', 'd2', 'd3', 'd4'], groups);
  fleet.setOnline('d4', false);
  const first = await draft(fleet);
  t.match(first, { fleet: 4, hidden: [], missing: [], isDone: false });
  t.match(first.plan, { stage: 'waves', wave: 0, later: ['d4'], digest: NEW_DIGEST, target: 'all', version: 0 });
  t.same(
    first.plan.waves.map(({ devices }) => devices),
    [['d1'], ['d2', 'd3']],
  );
  t.same((await draft(fleet, { withOffline: true })).plan.waves[1]?.devices, ['d2', 'd3', 'd4']);
  const group = await draft(fleet, { target: 'grp/a', waves: [{ kind: 'group', group: 'b' }, ...WISH.waves] });
  t.same(
    group.plan.waves.map(({ devices, group: by }) => [by, devices]),
    [
      [null, ['d2']],
      [null, ['d1']],
    ],
    'a document for grp/b would reach d3, which is not of the target',
  );
  t.match((await draft(fleet, { waves: [{ kind: 'group', group: 'b' }, ...WISH.waves] })).plan.waves, [
    { group: 'b', devices: ['d2', 'd3'] },
    { group: null, devices: ['d1'] },
  ]);
  t.match((await draft(fleet, { waves: [{ kind: 'group', group: 'b' }], over: ['autumn'] })).plan.over, []);
  fleet.setOnline('d3', false);
  const away = await draft(fleet, { waves: [{ kind: 'group', group: 'b' }, ...WISH.waves] });
  t.match(away.plan.waves[0], { group: null, devices: ['d2'] }, 'what reaches d3 when it is back is judged by nobody');
  t.same(away.plan.later, ['d3', 'd4']);
  fleet.setOnline('d3', true);
  const missing = await draft(fleet, {
    waves: [
      { kind: 'devices', devices: ['d4', 'd9'] },
      { kind: 'group', group: 'z' },
    ],
  });
  t.same(missing.missing, ['d4', 'd9', 'grp/z']);
  t.match(await draft(fakeFleet([])), { fleet: 0, isDone: false, plan: { waves: [] } });
});

t.test('what would cover it is named, and left out', async (t) => {
  const operator = await rolloutOperator(t);
  const files = [{ name: 'aim.conf', absent: true }];
  const hiddenBy = async (address: string, layer: string, more: object, target: DraftWish['target'] = 'all') => {
    const fleet = fakeFleet(['d1', 'd2', 'd3', 'd4'], groups);
    put(fleet, address, layer, more);
    const machine = operator.machine(plan());
    await attend(fleet.link(), machine);
    const { hidden, plan: made } = draftPlan(machine.scene, {
      ...WISH,
      target,
      waves: [{ kind: 'percent', percent: 100 }],
    });
    t.notOk(made.waves.some(({ devices }) => devices.some((one) => hidden.some(({ device }) => device === one))));
    return hidden.map(({ device }) => device).join(' ');
  };
  t.equal(await hiddenBy('dev/d1', 'base', { files }), 'd1');
  t.equal(await hiddenBy('dev/d1', 'base', { withdraw: true }), '');
  t.equal(await hiddenBy('grp/b', 'base', { files }), 'd2 d3');
  t.equal(await hiddenBy('grp/b', 'base', { files }, 'grp/a'), '', 'its group a counts more');
  t.equal(await hiddenBy('grp/a', 'base', { files }, 'grp/b'), 'd2');
  t.equal(await hiddenBy('all', 'base', { files }), '', 'that is what the promotion replaces');
  t.equal(await hiddenBy('grp/a', 'shadow', { files, until: LATER }), 'd1 d2');
  t.equal(await hiddenBy('all', 'shadow', { files, until: LATER }), 'd1 d2 d3 d4');
  t.equal(await hiddenBy('grp/a', 'shadow', { files, until: 5 }), '', 'its time is over');
});

t.test('what an older roll-out has left hides nothing, but its group gets no document of its own', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(['d1', 'd2', 'd3', 'd4'], groups);
  put(fleet, 'dev/d3', 'shadow', { files: [{ name: 'aim.conf', absent: true }], until: LATER, rollout: 'autumn' });
  const machine = operator.machine(plan());
  await attend(fleet.link(), machine);
  const waves: DraftWish['waves'] = [{ kind: 'group', group: 'b' }];
  t.match(draftPlan(machine.scene, { ...WISH, waves }), { hidden: [{ device: 'd3' }], plan: { over: [] } });
  t.match(draftPlan(machine.scene, { ...WISH, waves, over: ['autumn'] }), {
    ...{ hidden: [], plan: { over: ['autumn'], waves: [{ group: null, devices: ['d2', 'd3'] }] } },
  });
});

t.test('who is held by a halt is named before anything is done', async (t) => {
  const operator = await rolloutOperator(t);
  const halted = async (aud: string, more: object = {}) => {
    const fleet = fakeFleet(['d1', 'd2', 'd3', 'd4'], groups);
    const halt = { v: 1, id: 'h', aud, version: 3, iat: 5, ...more };
    fleet.publish(`fleet/v1/${aud}/halt`, `x.${Buffer.from(JSON.stringify(halt)).toString('base64url')}.x`, true);
    const machine = operator.machine(plan());
    await attend(fleet.link(), machine);
    return draftPlan(machine.scene, WISH).halted;
  };
  t.same(await halted('dev/d2'), [{ device: 'd2', by: 'halt version 3 for dev/d2 holds all updates' }]);
  t.match(await halted('grp/b'), [{ device: 'd2' }, { device: 'd3' }]);
  t.equal((await halted('all', { configs: ['aim'] })).length, 4);
  for (const more of [{ configs: ['nav'] }, { rollout: 'autumn' }, { lift: true }])
    t.same(await halted('all', more), [], JSON.stringify(more));
});

t.test('names that are made up', async (t) => {
  t.match(newName('x'.repeat(64)), NAME);
  t.not(newName('aim'), newName('aim'));
});
