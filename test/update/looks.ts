import t from 'tap';
import { createLooks, lookRecord } from '../../agent/update/looks.ts';

t.test('how removed files looked outlives a replay and a journal written anew', async (t) => {
  const looks = createLooks();
  const secret = { mode: 0o600, uid: 7, gid: 8 };
  looks.fold(lookRecord('aim', 'a', { mode: 0o644, uid: 0, gid: 0 }));
  looks.fold(lookRecord('aim', 'a', secret));
  looks.fold(lookRecord('other', 'a', { mode: 0o640, uid: 1, gid: 1 }));
  looks.fold({ t: 'another', config: 'aim', name: 'b', look: secret });
  t.same(looks.of('aim', 'a'), secret, 'the last time counts');
  t.equal(looks.of('aim', 'b'), null);
  const anew = createLooks();
  for (const record of JSON.parse(JSON.stringify(looks.snapshot()))) anew.fold(record);
  t.same(anew.snapshot(), looks.snapshot());
  t.same(anew.of('aim', 'a'), secret);
});
