import t from 'tap';
import { keepContent, keepPlan, readContent, readPlan, ringOf } from '../../../agent/fleet/rollout/desk.ts';
import { contentTopic, planTopic } from '../../../agent/fleet/rollout/plan.ts';
import { fakeFleet } from '../../fixtures/fake-fleet.ts';
import { plan, wave } from '../../fixtures/rollout.ts';
import { rolloutOperator } from '../../fixtures/rollout-operator.ts';

t.test('a plan and its content come back as they were kept, from nobody but who is trusted', async (t) => {
  const [ours, theirs] = [await rolloutOperator(t), await rolloutOperator(t)];
  const fleet = fakeFleet([]);
  const link = fleet.link();
  await keepPlan(link, 'fleet', plan(), ours.signer);
  const kept = Buffer.from(fleet.retained.get(planTopic('fleet', 'spring')) ?? '');
  const own = ringOf(ours.signer, null, '');
  t.same(readPlan(kept, own), plan());
  t.match(readPlan(kept, ringOf(theirs.signer, null, '')), /unknown-key/);
  const trusted = JSON.stringify({ keys: [ours.signer.publicJwk] });
  t.same(readPlan(kept, ringOf(theirs.signer, trusted, 'keys.json')), plan());
  t.throws(() => ringOf(theirs.signer, 'x', 'keys.json'), /keys\.json/);

  const content = { files: [], note: 'a' };
  await keepContent(link, 'fleet', 'spring', content, ours.signer);
  t.same(await readContent(link, 'fleet', 'spring', own), content);
  await t.rejects(readContent(link, 'fleet', 'spring', ringOf(theirs.signer, null, '')), /unknown-key/);
  fleet.publish(contentTopic('fleet', 'other'), fleet.retained.get(contentTopic('fleet', 'spring')) ?? '', true);
  await t.rejects(readContent(link, 'fleet', 'other', own), /belongs to another roll-out/);
  await t.rejects(readContent(link, 'fleet', 'none', own), /the broker keeps none/);
});

t.test('what is signed as something else, or altered, is no plan', async (t) => {
  const { signer } = await rolloutOperator(t);
  const ring = ringOf(signer, null, '');
  const jws = await signer.signRollout(plan());
  const [head, , signature] = jws.split('.');
  const other = Buffer.from(JSON.stringify(plan({ target: 'grp/a' }))).toString('base64url');
  t.match(readPlan(Buffer.from(`${head}.${other}.${signature}`), ring), /bad-signature/);
  const halt = await signer.signHalt({ v: 1, id: 'h', aud: 'all', version: 1, iat: 1 });
  t.match(readPlan(Buffer.from(halt), ring), /bad-type/);
  t.match(readPlan(Buffer.from(await signer.signRollout({ v: 2 })), ring), /not a plan/);
});

t.test('a plan that fits into no message says what to do', async (t) => {
  const { signer } = await rolloutOperator(t);
  const many = Array.from({ length: 4000 }, (_, index) => `a-device-with-quite-a-long-name-${index}`);
  await t.rejects(keepPlan(fakeFleet([]).link(), 'fleet', plan({ waves: [wave(many)] }), signer), {
    ...{ exit: 2, message: /128 KiB/, remedy: /groups/ },
  });
});
