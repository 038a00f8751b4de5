import t from 'tap';
import { parseKeys } from '../../agent/trust/keys.ts';
import { createTrustMemory, revokedBy, sayChange, trustRecord } from '../../agent/trust/memory.ts';

const X = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
const Y = 'PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw';
const key = (kid: string, role = 'push', x = X) => ({ kty: 'OKP', crv: 'Ed25519', kid, x, role });
const ringOf = (...keys: readonly object[]) => parseKeys(JSON.stringify({ keys }), 'keys.json');

t.test('remembers the last keys, and the highest version', async (t) => {
  const memory = createTrustMemory();
  t.same([memory.version(), memory.hash(), memory.counted(), memory.snapshot()], [0, null, null, []]);
  memory.fold(trustRecord(0, null, ringOf(key('a'))));
  memory.fold(trustRecord(3, 'h', ringOf(key('b'), key('r', 'root'))));
  memory.fold({ t: 'other' });
  const again = createTrustMemory();
  for (const record of memory.snapshot()) again.fold(JSON.parse(JSON.stringify(record)));
  t.same([again.version(), again.hash()], [3, 'h']);
  t.same(again.counted(), [
    { kid: 'b', x: X, role: 'push' },
    { kid: 'r', x: X, role: 'root' },
  ]);
});

t.test('which keys were revoked, and what changed, in words', async (t) => {
  const counted = ringOf(key('a'), key('b'), key('c'), key('r', 'root')).keys;
  const next = ringOf(key('a'), key('b', 'push', Y), key('c', 'root'), key('n'));
  t.same(
    revokedBy(counted, next),
    ['b', 'c'],
    'of another public key, or a root now; a root signed nothing that is held',
  );
  t.equal(sayChange(counted, next), 'new b, c (root), n; revoked b, c, r (root)');
  t.equal(sayChange(counted, ringOf(...counted.map(({ kid, role }) => key(kid, role)))), null);
  t.equal(sayChange([], ringOf(key('a'))), 'new a');
});
