import t, { type Test } from 'tap';
import { bodyOf } from '../../../agent/fleet/kept.ts';
import type { FleetLink } from '../../../agent/fleet/link.ts';
import { keepPlan } from '../../../agent/fleet/rollout/desk.ts';
import { readSentPlan } from '../../../agent/fleet/rollout/list.ts';
import { type Plan, planTopic } from '../../../agent/fleet/rollout/plan.ts';
import { attend, newRunner } from '../../../agent/fleet/rollout/run.ts';
import { sendAll, sendHalt } from '../../../agent/fleet/rollout/sender.ts';
import { SaidError } from '../../../agent/values/errors.ts';
import { type FakeFleet, fakeFleet } from '../../fixtures/fake-fleet.ts';
import { openProof } from '../../fixtures/proof.ts';
import { plan as planOf, rules, wave } from '../../fixtures/rollout.ts';
import { NEW_DIGEST, type Operator, rolloutOperator } from '../../fixtures/rollout-operator.ts';
import { until } from '../../fixtures/until.ts';

const IDS = ['d1', 'd2', 'd3', 'd4', 'd5', 'd6'];
const later = Math.floor(Date.now() / 1000) + 3600;
const PLAN = planOf({
  ...{ digest: NEW_DIGEST, until: later, version: 0, rules: rules({ soak_s: 0, within_s: 20 }) },
  waves: [wave(['d1']), wave(['d2', 'd3'], { name: 'wave 1' }), wave(['d4', 'd5', 'd6'], { name: 'wave 2' })],
});
const fresh = (changes: Partial<Plan> = {}): Plan => ({ ...PLAN, since: Math.floor(Date.now() / 1000), ...changes });
const keptPlan = (fleet: FakeFleet) =>
  readSentPlan(Buffer.from(fleet.retained.get(planTopic('fleet', 'spring')) ?? ''));

t.test('canary, waves, one base, and the shadows are gone; each device has written once', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  const { end, plan } = await operator.goOn(fleet.link(), fresh());
  t.match(end, { kind: 'done', left: [] });
  t.equal(plan.stage, 'done');
  for (const id of IDS) {
    t.match(fleet.runs(id), { digest: NEW_DIGEST, layer: 'base', address: 'all' }, id);
    t.equal(fleet.writes(id), 1, id);
  }
  t.same(fleet.shadowed(), []);
  const bases = [...fleet.retained.keys()].filter((topic) => topic.endsWith('/base'));
  t.same(bases, ['fleet/v1/all/desired/aim/base'], 'no base document is left on a device');
});

t.test('a canary that fails: it is back, the others know of nothing, a stop sign stays', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  fleet.manner('d1', 'fails');
  const { end, plan } = await operator.goOn(fleet.link(), fresh());
  t.match(end, { kind: 'failed', why: /d1 failed: rolled-back: no answer \(health-failed\)/, left: [] });
  t.equal(plan.stage, 'halted');
  for (const id of IDS) t.equal(fleet.writes(id), 0, id);
  t.same(
    [...fleet.retained.keys()].filter((topic) => topic.includes('/desired/')),
    ['fleet/v1/dev/d1/desired/aim/shadow'],
  );
  t.ok(fleet.retained.has('fleet/v1/all/halt'));
});

t.test(
  'the stop sign of a roll-out that is over makes room; that of one that is not stays, and it is said',
  async (t) => {
    const operator = await rolloutOperator(t);
    const failWith = async (autumn: Partial<Plan>, base = 'autumn') => {
      const fleet = fakeFleet(IDS);
      fleet.manner('d1', 'fails');
      const link = fleet.link();
      const other = fresh({ name: 'autumn', ...autumn });
      await keepPlan(link, 'fleet', other, operator.signer);
      const run = await operator.run(link, other);
      await sendAll(link, { ...other, name: base }, [{ address: 'all', layer: 'base', withdraw: false }], {
        ...run,
        isStopped: () => false,
      });
      await sendHalt(link, other, { lift: false, note: 'gimbals turn' }, run);
      const { end } = await operator.goOn(link, fresh());
      const halt = JSON.stringify(bodyOf(Buffer.from(fleet.retained.get('fleet/v1/all/halt') ?? '')));
      return { end, halt };
    };
    t.match(await failWith({ stage: 'halted' }), { end: { why: /d1 failed: [^;]*$/ }, halt: /"rollout":"spring"/ });
    for (const stage of ['paused', 'done'] as const) {
      const kept = { end: { kind: 'failed', why: /d1 failed: .*; no stop sign is left, all has/ }, halt: /"autumn"/ };
      t.match(await failWith({ stage }), kept, stage);
    }
    const past = await failWith({ stage: 'done' }, 'winter');
    t.match(past, { halt: /"rollout":"spring"/ }, 'another base has the place of its own');
  },
);

t.test('a device that may fail is left behind; one that does not take the base is a failure', async (t) => {
  const operator = await rolloutOperator(t);
  const group = [wave(['d1']), wave(['d2', 'd3', 'd4', 'd5', 'd6'], { name: 'wave 1', group: 'g', success: 80 })];
  const one = fakeFleet(IDS, (id) => (id === 'd1' ? [] : ['g']));
  one.manner('d3', 'fails');
  const lenient = await operator.goOn(one.link(), fresh({ waves: group }));
  t.match(lenient, { end: { kind: 'done', left: ['d3'] }, plan: { stage: 'done' } });
  t.same(one.shadowed(), [], 'the shadow of its group is withdrawn all the same');
  const two = fakeFleet(IDS);
  const link = two.link((topic) => {
    if (topic === 'fleet/v1/all/desired/aim/base') two.manner('d5', 'fails');
  });
  const strict = await operator.goOn(link, fresh());
  const why = 'promoted, but these do not take the base: d5';
  t.match(strict, { end: { kind: 'failed', why, left: ['d5'] }, plan: { stage: 'promoting' } });
});

t.test('HOT: it pauses, and goes on when somebody says what is to be done', async (t) => {
  const operator = await rolloutOperator(t);
  for (const [changes, commands] of [
    [{ release: true }, ['release d2']],
    [{ hot: 'skip' }, []],
  ] as const) {
    const fleet = fakeFleet(IDS);
    fleet.manner('d2', 'hot');
    const first = await operator.goOn(fleet.link(), fresh());
    t.match(first.end, { kind: 'held', why: /^d2: aim\.conf HOT, orphaned: pid 7 start 8 sleep/ });
    t.match(first.plan, { stage: 'paused', wave: 1 });
    t.same(fleet.commands, []);
    const again: Plan = { ...first.plan, stage: 'waves', rules: { ...first.plan.rules, ...changes } };
    const { end, plan } = await operator.goOn(fleet.link(), again);
    t.match(end, { kind: 'done' });
    t.same(fleet.commands, commands);
    t.same(plan.skipped, commands.length === 0 ? ['d2'] : []);
    t.equal(fleet.writes('d2'), commands.length);
  }
});

t.test('who goes on with a roll-out stops whoever was at it', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  fleet.manner('d1', 'silent');
  const plan = fresh();
  const first = operator.goOn(fleet.link(), plan);
  await until('the first is at it', () => fleet.retained.has(planTopic('fleet', plan.name)));
  const second = operator.goOn(fleet.link(), plan);
  t.match((await first).end, { kind: 'taken' });
  fleet.manner('d1', 'well');
  t.match((await second).end, { kind: 'done' });
});

t.test('the link is lost while devices answer to the promotion: what was said meanwhile is said again', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  const links = { made: 0 };
  const link = fleet.link((topic) => {
    if (topic === 'fleet/v1/all/desired/aim/base') fleet.manner('d2', 'asleep');
  });
  const connect = async () => {
    links.made += 1;
    return fleet.link();
  };
  const going = operator.goOn(link, fresh(), { connect });
  await until('d2 alone is waited for', () => fleet.shadowed().join() === 'd2');
  fleet.cut();
  fleet.manner('d2', 'well');
  t.match(await going, { end: { kind: 'done', left: [] }, plan: { stage: 'done' } });
  t.equal(links.made, 1);
  t.same(fleet.shadowed(), []);
  for (const id of IDS) t.equal(fleet.writes(id), 1, id);
});

t.test('what may not be read is said at the start; on a new link it is tried again', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  const state = { links: 0 };
  const refuses = (link: FleetLink, topic: string): FleetLink => ({
    ...link,
    async subscribe(filters, qos) {
      const codes = await link.subscribe(filters, qos);
      return filters.map((filter, index) => (filter.endsWith(topic) ? 128 : (codes[index] ?? 128)));
    },
  });
  for (const what of ['/evt', '/halt']) {
    const expected = { name: 'SaidError', exit: 3, message: new RegExp(`not let this user read fleet/\\S*${what}`) };
    await t.rejects(attend(refuses(fleet.link(), what), operator.machine(PLAN)), expected);
  }
  fleet.manner('d1', 'silent');
  const connect = async () => {
    state.links += 1;
    if (state.links === 1) return refuses(fleet.link(), '/evt');
    fleet.manner('d1', 'well');
    return fleet.link();
  };
  const plan = fresh();
  const going = operator.goOn(fleet.link(), plan, { connect });
  await until('it is at it', () => fleet.retained.has(planTopic('fleet', plan.name)));
  fleet.cut();
  t.match(await going, { end: { kind: 'done' } });
  t.equal(state.links, 2);
});

t.test('a new link over which not all can be read is closed', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  fleet.manner('d1', 'silent');
  const closed: string[] = [];
  const connect = async () => ({
    ...fleet.link(),
    subscribe: () => Promise.reject(new SaidError(1, 'not all', 'again')),
    close: () => void closed.push('second'),
  });
  const plan = fresh();
  const going = operator.goOn(fleet.link(), plan, { connect });
  await until('it is at it', () => fleet.retained.has(planTopic('fleet', plan.name)));
  fleet.cut();
  await t.rejects(going, { message: 'not all' });
  t.same(closed, ['second']);
});

class Killed extends Error {}

/** Kills operators as they publish, each time on a new machine, until one comes to the end. What must hold, holds at each death. */
async function throughDeaths(t: Test, operator: Operator, nextDeath: () => number) {
  const fleet = fakeFleet(IDS);
  const begun = { deaths: 0 };
  const check = (where: string) => {
    const wavesBegun = keptPlan(fleet)?.wave ?? -1;
    for (const [index, { devices }] of PLAN.waves.entries()) {
      for (const id of devices) {
        if (index > wavesBegun && fleet.writes(id) > 0)
          t.fail(`${where}: ${id} of wave ${index} was changed in wave ${wavesBegun}`);
        if (fleet.writes(id) > 1) t.fail(`${where}: ${id} has written ${fleet.writes(id)} times`);
      }
    }
  };
  for (;;) {
    const death = nextDeath();
    const count = { publishes: 0 };
    const link = fleet.link((topic) => {
      count.publishes += 1;
      check(topic);
      if (count.publishes === death) throw new Killed();
    });
    const kept = keptPlan(fleet);
    const plan: Plan = kept === null ? fresh() : { ...kept, since: Math.floor(Date.now() / 1000) };
    try {
      const { end } = await operator.goOn(link, plan);
      check('the end');
      t.match(end, { kind: 'done', left: [] });
      for (const id of IDS) {
        if (fleet.writes(id) !== 1 || fleet.runs(id).layer !== 'base')
          t.fail(`${id}: ${JSON.stringify(fleet.runs(id))}`);
      }
      t.same(fleet.shadowed(), []);
      return begun.deaths;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      begun.deaths += 1;
      link.close();
    }
  }
}

t.test(
  'killed at each message in turn, and gone on with elsewhere: nobody skipped, nobody changed beyond its wave',
  { timeout: 120_000 },
  async (t) => {
    const operator = await rolloutOperator(t);
    const proof = openProof(t);
    for (let round = 0; round < proof.rounds(2, 40); round += 1) {
      const deaths = await throughDeaths(t, operator, () => 1 + proof.below(9));
      t.comment(`${deaths} deaths`);
    }
  },
);

t.test('runners have numbers of their own', async (t) => {
  t.match(newRunner(), /^[0-9a-f]{16}$/);
  t.not(newRunner(), newRunner());
});
