import t from 'tap';
import { parseTrust, rootsOf } from '../../agent/trust/document.ts';

const X = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
const KEY = { kty: 'OKP', crv: 'Ed25519', kid: 'k', x: X };
const RIGHT = { v: 1, version: 3, keys: [KEY, { ...KEY, kid: 'r', role: 'root', exp: 99 }] };

t.test('which keys count, for whom', async (t) => {
  const read = parseTrust({ ...RIGHT, aud: 'grp/canary', note: 'spring' });
  t.match(read, { version: 3, aud: 'grp/canary', note: 'spring' });
  if ('kind' in read) throw new Error(read.reason);
  t.match(read.ring.keys, [
    { kid: 'k', role: 'push', may: { endHolder: false } },
    { kid: 'r', role: 'root', exp: 99 },
  ]);
  t.same(
    rootsOf(read.ring).map(({ kid }) => kid),
    ['r'],
  );
  t.match(parseTrust(RIGHT), { aud: null, note: null });
  t.match(
    parseTrust({ v: 1, version: 1, keys: [] }),
    { ring: { keys: [] } },
    'whether that will do is for others to say',
  );
});

t.test('what is wrong is named with its place', async (t) => {
  const said = (change: object) => {
    const read = parseTrust({ ...RIGHT, ...change });
    return 'kind' in read ? `${read.code}: ${read.reason}` : 'taken';
  };
  t.match(parseTrust([]), { code: 'malformed', reason: 'document: expected an object' });
  t.equal(said({ v: '1' }), 'malformed: v: expected 1');
  t.equal(said({ v: 2 }), 'unsupported-format: v: 2, this agent reads 1');
  t.equal(said({ iat: 7 }), 'unknown-field: iat: not a field of a trust document');
  for (const version of [0, 1.5, '3', 2 ** 53]) t.match(said({ version }), /^malformed: version: /);
  t.match(said({ keys: {} }), /^malformed: keys: /);
  t.match(said({ keys: Array.from({ length: 65 }, (_, n) => ({ ...KEY, kid: `k${n}` })) }), /^malformed: keys: /);
  t.match(said({ aud: 'canary' }), /^malformed: aud: /);
  t.match(said({ note: 'x'.repeat(1025) }), /^malformed: note: /);
  t.match(said({ keys: [KEY, KEY] }), /^malformed: keys\[1\]\.kid: 'k' is there twice/);
  t.match(said({ keys: [{ ...KEY, d: X }] }), /^malformed: keys\[0\]\.d: a private key/);
  t.equal(said({ keys: [{ ...KEY, rol: 'root' }] }), 'unknown-field: keys[0].rol: unknown member of a key');
  t.match(said({ keys: [{ ...KEY, may: { config: [] } }] }), /^unknown-field: keys\[0\]\.may\.config: unknown/);
});
