import t from 'tap';
import { hostEd25519 } from '../../agent/host/ed25519.ts';
import { parseKeys } from '../../agent/trust/keys.ts';
import { type VerifyTrustWith, verifyTrust } from '../../agent/trust/verify-trust.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { entry, trustDocument } from '../fixtures/trust.ts';

const NOW_S = 1_795_298_400;
const dir = t.testdir();
const r1 = opensslKey(dir, 'r1');
const r2 = opensslKey(dir, 'r2');
const r3 = opensslKey(dir, 'r3');
const ops = opensslKey(dir, 'ops');
const ringOf = (...keys: readonly object[]) => parseKeys(JSON.stringify({ keys }), 'keys.json');
const WITH: VerifyTrustWith = {
  ...{ ring: ringOf(entry(r1, 'root'), entry(ops)), nowS: NOW_S, clock: 'ok', ed25519: hostEd25519() },
  ...{ address: 'all', addresses: ['dev/d7', 'all'] },
};
const payload = (keys: readonly object[], more: object = {}) => ({ v: 1, version: 2, keys, ...more });
const said = (text: string, change: Partial<VerifyTrustWith> = {}) => {
  const verified = verifyTrust(text, { ...WITH, ...change });
  return verified.kind === 'refusal' ? `${verified.code}: ${verified.reason}` : `taken, by ${verified.kids.join()}`;
};

t.test('a root key says which keys count from now on', async (t) => {
  const text = trustDocument(payload([entry(r1, 'root'), entry(r2)], { aud: 'all', note: 'x' }), [r1]);
  const verified = verifyTrust(text, WITH);
  t.match(verified, { kind: 'trust', kids: ['r1'], document: { version: 2, aud: 'all' } });
  t.match(verifyTrust(text.replace('"payload":"', '"payload":"AAAA'), WITH), { code: 'bad-signature', signed: false });
});

t.test('nobody else does', async (t) => {
  const keys = [entry(r1, 'root'), entry(r2)];
  t.match(said(trustDocument(payload(keys), [ops])), /^key-not-allowed: key ops is a push key/);
  t.match(said(trustDocument(payload(keys), [r3])), /^unknown-key: signed by no root key of this device: .* r1$/);
  t.match(
    said(trustDocument(payload(keys), [r1]), { ring: ringOf(entry(ops)) }),
    /^unknown-key: .*trusts no root key$/,
  );
  const impostor = opensslKey(`${dir}/impostor`, 'r1');
  t.match(said(trustDocument(payload(keys), [impostor])), /^bad-signature: the signature of r1/);
  t.match(said(trustDocument(payload(keys), [impostor, r3])), /^bad-signature/);
  for (const typ of ['locksmith-update+jwt', 'locksmith-command+jwt', 'JWT']) {
    t.match(said(trustDocument(payload(keys), [r1], { typ })), /^bad-type/, typ);
  }
  t.match(said(trustDocument('{"v":1,"v":1}', [r1])), /^malformed: payload: /);
  t.match(said(trustDocument(payload(keys, { version: 0 }), [r1])), /^malformed: version/);
});

t.test('where the roots change, the new ones sign too', async (t) => {
  const both = payload([entry(r1, 'root'), entry(r2, 'root')]);
  t.match(said(trustDocument(both, [r1])), /^key-not-allowed: root key r2 is new and has not signed/);
  t.equal(said(trustDocument(both, [r1, r2])), 'taken, by r1');
  t.match(said(trustDocument(both, [r2])), /^unknown-key/, 'the new one alone decides nothing');
  const swapped = payload([entry(r2, 'root'), entry(ops)]);
  t.match(said(trustDocument(swapped, [r1])), /^key-not-allowed: root key r2/);
  t.equal(said(trustDocument(swapped, [r2, r1])), 'taken, by r1');
  const impostor = opensslKey(`${dir}/impostor2`, 'r2');
  t.match(said(trustDocument(swapped, [r1, impostor])), /^bad-signature: the signature of r2/);
  const two = { ring: ringOf(entry(r1, 'root'), entry(r2, 'root')) };
  const less = payload([entry(r2, 'root')]);
  t.match(said(trustDocument(less, [r1]), two), /^key-not-allowed: none of the root keys it leaves has signed/);
  t.equal(said(trustDocument(less, [r1, r2]), two), 'taken, by r1,r2');
  t.equal(said(trustDocument(less, [r2]), two), 'taken, by r2');
  const promoted = payload([entry(r1, 'root'), entry(ops, 'root')]);
  t.match(said(trustDocument(promoted, [r1])), /^key-not-allowed: root key ops/, 'also one that was a push key');
});

t.test('a device that was away follows, if its old root has signed as well', async (t) => {
  // r1 → r2 → r3: the device knows r1 alone, another knows r2.
  const text = trustDocument(payload([entry(r3, 'root')], { version: 7 }), [r3, r2, r1]);
  t.equal(said(text), 'taken, by r1');
  t.equal(said(text, { ring: ringOf(entry(r2, 'root')) }), 'taken, by r2');
});

t.test('a device is never left without a root key that is valid', async (t) => {
  t.match(said(trustDocument(payload([]), [r1])), /^no-root/);
  t.match(said(trustDocument(payload([entry(ops)]), [r1])), /^no-root/);
  const over = payload([entry(r1, 'root', { exp: NOW_S })]);
  t.match(said(trustDocument(over, [r1])), /^no-root/);
  t.match(said(trustDocument(payload([entry(r1, 'root', { nbf: NOW_S + 1 })]), [r1])), /^no-root/);
  t.equal(said(trustDocument(over, [r1]), { clock: 'untrusted' }), 'taken, by r1', 'a wrong clock ends no key');
});

t.test('a root key has a life and limits too', async (t) => {
  const doc = trustDocument(payload([entry(r1, 'root'), entry(r2)]), [r1]);
  const old = { ring: ringOf(entry(r1, 'root', { exp: NOW_S })) };
  t.match(said(doc, old), /^key-not-allowed: key r1 is not valid since/);
  t.equal(said(doc, { ...old, clock: 'untrusted' }), 'taken, by r1');
  const narrow = { ring: ringOf(entry(r1, 'root', { may: { addresses: ['dev/*'] } })) };
  t.match(said(doc, narrow), /^key-not-allowed: key r1 may not sign for all/);
  t.equal(said(doc, { ...narrow, address: 'dev/d7' }), 'taken, by r1');
});

t.test('for whom it is, and ids that are used once', async (t) => {
  const keys = [entry(r1, 'root')];
  t.match(
    said(trustDocument(payload(keys, { aud: 'grp/x' }), [r1])),
    /^wrong-audience: signed for grp\/x, published to all/,
  );
  t.match(
    said(trustDocument(payload(keys), [r1]), { address: 'grp/x' }),
    /^wrong-audience: .*no address of this device/,
  );
  const again = [...keys, { ...entry(r2), kid: 'ops' }];
  t.match(said(trustDocument(payload(again), [r1])), /^malformed: keys: 'ops' is the id of another key/);
});
