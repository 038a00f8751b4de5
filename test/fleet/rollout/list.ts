import t from 'tap';
import { readSentPlan } from '../../../agent/fleet/rollout/list.ts';
import { plan } from '../../fixtures/rollout.ts';

t.test('a plan is shown whoever has signed it; what is none is passed over', async (t) => {
  const body = (value: unknown) => Buffer.from(`x.${Buffer.from(JSON.stringify(value)).toString('base64url')}.x`);
  t.same(readSentPlan(body(plan())), plan());
  for (const other of ['', 'x', 'a.b.c']) t.equal(readSentPlan(Buffer.from(other)), null);
  t.equal(readSentPlan(body({ v: 1 })), null);
});
