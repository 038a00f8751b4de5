import t from 'tap';
import { bodyOf, openKept, readKept } from '../../agent/fleet/kept.ts';

const jws = (payload: object) => Buffer.from(`x.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x`);
const UPDATE = { v: 1, id: 'u4', aud: 'grp/a', config: 'aim', layer: 'shadow', version: 4, iat: 5, withdraw: true };
const PLACE = { address: 'grp/a', config: 'aim', layer: 'shadow' } as const;
const TOPIC = 'fleet/v1/grp/a/desired/aim/shadow';

t.test('what is kept, without its files', async (t) => {
  t.same(bodyOf(jws(UPDATE)), UPDATE);
  t.same(readKept(jws({ ...UPDATE, rollout: 'spring' }), PLACE), {
    ...PLACE,
    ...{ id: 'u4', version: 4, iat: 5, withdraw: true, rollout: 'spring', until: null },
  });
  for (const payload of ['', 'x', 'x.y.z', '{}']) t.equal(readKept(Buffer.from(payload), PLACE), null, payload);
  t.equal(readKept(jws({ ...UPDATE, iat: 'soon' }), PLACE), null);
});

t.test('all of it, by place', async (t) => {
  const kept = openKept('fleet');
  t.same(kept.filters, ['fleet/v1/dev/+/desired/+/+', 'fleet/v1/grp/+/desired/+/+', 'fleet/v1/all/desired/+/+']);
  const take = (topic: string, payload: Uint8Array) => kept.take({ topic, payload, retain: true });
  t.equal(take('fleet/v1/dev/d/status', jws(UPDATE)), false);
  t.ok(take(TOPIC, jws(UPDATE)));
  t.ok(take(TOPIC, jws({ ...UPDATE, id: 'u5', version: 5 })));
  t.match(kept.all(), [{ id: 'u5', version: 5, address: 'grp/a' }]);
  t.equal(kept.all().length, 1);
  t.ok(take(TOPIC, Buffer.from('')));
  t.same(kept.all(), []);
});
