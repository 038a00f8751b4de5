import t from 'tap';
import type { KeptDocument } from '../../../agent/fleet/kept.ts';
import { foreignAt, isOurs, nowS, sayHalt, standingsOf } from '../../../agent/fleet/rollout/context.ts';
import { sendAll } from '../../../agent/fleet/rollout/sender.ts';
import { fakeFleet } from '../../fixtures/fake-fleet.ts';
import { plan, wave } from '../../fixtures/rollout.ts';
import { rolloutOperator } from '../../fixtures/rollout-operator.ts';
import { until } from '../../fixtures/until.ts';

const kept = (changes: Partial<KeptDocument> = {}): KeptDocument => ({
  ...{ id: 'u', version: 4, address: 'dev/d1', config: 'aim', layer: 'shadow', iat: 5000, withdraw: false },
  ...{ rollout: 'spring', until: nowS() + 60, ...changes },
});

t.test('whose document it is', async (t) => {
  t.ok(isOurs(kept(), plan()));
  for (const other of [null, kept({ withdraw: true }), kept({ rollout: null })]) t.notOk(isOurs(other, plan()));
  const table: readonly (readonly [KeptDocument | null, RegExp | null])[] = [
    [null, null],
    [kept(), null],
    [kept({ rollout: null }), /another shadow for dev\/d1 \(version 4\) has its place/],
    [kept({ rollout: 'autumn' }), /has its place/],
    [kept({ rollout: null, until: 7 }), null],
    [kept({ rollout: 'winter' }), null],
    [kept({ rollout: null, withdraw: true }), /version 4 has taken it back/],
    [kept({ rollout: null, withdraw: true, iat: 900 }), null],
  ];
  for (const [document, expected] of table) {
    const why = foreignAt(document, plan({ since: 1000, over: ['winter'] }));
    if (expected === null) t.equal(why, null);
    else t.match(why, expected);
  }
});

t.test('how a wave stands: what another has put in its place is not ours', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(['d1', 'd2']);
  const run = await operator.run(fleet.link(), plan({ waves: [wave(['d1', 'd2', 'd3'])] }));
  const states = () => standingsOf(wave(['d1', 'd2', 'd3']), run.plan, run.scene).map(({ state }) => state);
  t.same(states(), ['unsent', 'unsent', 'unsent']);
  const payload = {
    v: 1,
    id: 'x',
    aud: 'dev/d2',
    config: 'aim',
    layer: 'shadow',
    version: 9,
    iat: nowS(),
    until: nowS() + 60,
  };
  const files = [{ name: 'aim.conf', absent: true }];
  const jws = `x.${Buffer.from(JSON.stringify({ ...payload, files })).toString('base64url')}.x`;
  fleet.publish('fleet/v1/dev/d2/desired/aim/shadow', jws, true);
  t.same(states(), ['unsent', 'covered', 'unsent']);
});

t.test('who is in the groups of two waves goes over to the second: it is well in the first all the same', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(['d1'], () => ['b', 'a']);
  const first = wave(['d1'], { group: 'a' });
  const run = await operator.run(fleet.link(), plan({ waves: [first, wave([], { group: 'b' })] }));
  const standings = () => standingsOf(first, run.plan, run.scene).map(({ state }) => state);
  for (const group of ['a', 'b']) {
    const wish = { address: `grp/${group}`, layer: 'shadow', withdraw: false } as const;
    await sendAll(fleet.link(), { ...run.plan, until: nowS() + 60 }, [wish], { ...run, isStopped: () => false });
    await until('it runs that', () => fleet.runs('d1').address === wish.address);
    t.same(standings(), ['confirmed'], wish.address);
  }
});

t.test('from the promotion on a device that still runs its shadow is not there yet', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(['d1']);
  const run = await operator.run(fleet.link(), plan({ waves: [wave(['d1'])], until: nowS() + 60 }));
  const send = (address: 'dev/d1' | 'all', layer: 'shadow' | 'base') =>
    sendAll(fleet.link(), run.plan, [{ address, layer, withdraw: false }], { ...run, isStopped: () => false });
  const states = () => standingsOf(wave(['d1']), run.plan, run.scene).map(({ state }) => state);
  await send('dev/d1', 'shadow');
  await until('it runs that', () => states()[0] === 'confirmed');
  run.plan = { ...run.plan, stage: 'promoting', since: nowS() };
  await send('all', 'base');
  t.same(states(), ['silent']);
});

t.test('a halt in words', async (t) => {
  const halt = { v: 1, id: 'h', aud: 'all', version: 3, iat: 1 } as const;
  t.equal(
    sayHalt({ ...halt, rollout: 'spring', note: 'gimbals' }),
    'halt version 3 for all holds roll-out spring: gimbals',
  );
  t.equal(sayHalt({ ...halt, configs: ['aim', 'nav'] }), 'halt version 3 for all holds aim, nav');
  t.equal(sayHalt(halt), 'halt version 3 for all holds all updates');
});
