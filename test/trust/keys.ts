import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import t from 'tap';
import { hostEd25519 } from '../../agent/host/ed25519.ts';
import { parseKeys } from '../../agent/trust/keys.ts';
import { verifyDocument } from '../../agent/trust/verify.ts';
import { SaidError } from '../../agent/values/errors.ts';

const X = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
const JWK = { kty: 'OKP', crv: 'Ed25519', kid: 'k', x: X };

function why(keys: unknown): string {
  try {
    parseKeys(typeof keys === 'string' ? keys : JSON.stringify(keys), '/etc/keys.json');
    return 'taken';
  } catch (error) {
    if (error instanceof SaidError && error.exit === 2) return error.message;
    throw error;
  }
}
const one = (change: object) => why({ keys: [{ ...JWK, ...change }] });

t.test('a plain key is a push key that may sign everything but the end of a holder', async (t) => {
  const ring = parseKeys(JSON.stringify({ keys: [JWK] }), 'keys.json');
  t.match(ring.find('k'), { role: 'push', nbf: null, exp: null, x: X });
  t.same(ring.find('k')?.may, { addresses: null, configs: null, commands: null, endHolder: false });
  t.equal(ring.find('other'), null);
  t.equal(ring.find('constructor'), null);
});

t.test('role, life and limits are read', async (t) => {
  const may = { addresses: ['dev/*', 'grp/canary', 'all'], configs: ['aim'], commands: ['release'], end_holder: true };
  const ring = parseKeys(
    JSON.stringify({
      keys: [{ ...JWK, use: 'sig', alg: 'EdDSA', key_ops: ['verify'], role: 'root', nbf: 1, exp: 2, may }],
    }),
    'k',
  );
  const { end_holder: endHolder, ...rest } = may;
  t.match(ring.find('k'), { role: 'root', nbf: 1, exp: 2, may: { ...rest, endHolder } });
});

t.test('what is wrong is told with its place', async (t) => {
  t.match(why('nonsense'), /^\/etc\/keys\.json: not JSON/);
  t.match(why('{"keys":[],"keys":[]}'), /twice in one object/);
  t.equal(why([]), '/etc/keys.json: expected a JWKS: { "keys": [ … ] }');
  t.match(why({ keys: [], more: 1 }), /more: unknown member/);
  t.match(why({ keys: [] }), /keys: no key in it/);
  t.match(why({ keys: [7] }), /keys\[0\]: expected a JWK/);
  t.match(why({ keys: [JWK, JWK] }), /keys\[1\]\.kid: 'k' is there twice/);
  t.match(one({ d: 'secret' }), /keys\[0\]\.d: a private key/);
  t.match(one({ kty: 'EC' }), /keys\[0\]\.kty: /);
  t.match(one({ crv: 'X25519' }), /keys\[0\]\.crv: /);
  t.match(one({ kid: undefined }), /keys\[0\]\.kid: /);
  t.match(one({ kid: 'a b' }), /keys\[0\]\.kid: /);
  t.match(one({ x: `${X}AA` }), /keys\[0\]\.x: expected 32 bytes/);
  t.match(one({ x: X.slice(0, -1).concat('p') }), /keys\[0\]\.x: expected 32 bytes/);
  t.match(one({ role: 'admin' }), /keys\[0\]\.role: /);
  t.match(one({ use: 'enc' }), /keys\[0\]\.use: /);
  t.match(one({ alg: 'RS256' }), /keys\[0\]\.alg: /);
  t.match(one({ key_ops: ['sign'] }), /keys\[0\]\.key_ops: /);
  t.match(one({ nbf: 1.5 }), /keys\[0\]\.nbf: expected epoch seconds/);
  t.match(one({ exp: '2027' }), /keys\[0\]\.exp: expected epoch seconds/);
  t.match(one({ rol: 'root' }), /keys\[0\]\.rol: unknown member/, 'a misspelt limit is never ignored');
  t.match(one({ may: [] }), /keys\[0\]\.may: /);
  t.match(one({ may: { adresses: [] } }), /keys\[0\]\.may\.adresses: unknown/);
  t.match(one({ may: { addresses: ['canary'] } }), /keys\[0\]\.may\.addresses\[0\]: /);
  t.match(one({ may: { configs: 'aim' } }), /keys\[0\]\.may\.configs: expected a list/);
  t.match(one({ may: { configs: ['a.b'] } }), /keys\[0\]\.may\.configs\[0\]: /);
  t.match(one({ may: { commands: [1] } }), /keys\[0\]\.may\.commands\[0\]: /);
  t.match(one({ may: { end_holder: 'yes' } }), /keys\[0\]\.may\.end_holder: /);
});

t.test(
  'two hundred key pairs are made, exported, imported and used, one after another',
  { timeout: 60_000 },
  async (t) => {
    for (let i = 0; i < 200; i++) {
      const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
      const ring = parseKeys(JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: `k${i}` }] }), 'k');
      const header = { alg: 'EdDSA', typ: 'locksmith-update+jwt', kid: `k${i}` };
      const jws = await new CompactSign(new TextEncoder().encode(`${i}`))
        .setProtectedHeader(header)
        .sign(pair.privateKey);
      const verified = await verifyDocument(jws, 'update', ring, hostEd25519());
      if (verified.kind !== 'verified' || verified.payload !== i) t.fail(`pair ${i}: ${JSON.stringify(verified)}`);
    }
  },
);
