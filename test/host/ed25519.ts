import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import t from 'tap';
import { hostEd25519 } from '../../agent/host/ed25519.ts';

/** RFC 8032, section 7.1, test 3. */
const X = Buffer.from('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025', 'hex').toString('base64url');
const DATA = Buffer.from('af82', 'hex');
const SIGNATURE = Buffer.from(
  '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  'hex',
);

t.test('the vector of the standard, and nothing near it', async (t) => {
  const verify = hostEd25519();
  t.ok(verify(X, DATA, SIGNATURE));
  t.notOk(verify(X, Buffer.from('af83', 'hex'), SIGNATURE));
  for (const place of [0, 31, 32, 63]) {
    const wrong = Buffer.from(SIGNATURE);
    wrong[place] = (wrong[place] ?? 0) ^ 1;
    t.notOk(verify(X, DATA, wrong), `byte ${place}`);
  }
  t.notOk(verify(X, DATA, SIGNATURE.subarray(0, 63)));
  t.notOk(verify(X, DATA, Buffer.concat([SIGNATURE, Buffer.of(0)])));
});

t.test('a signature has one form: S beyond the order of the group is refused', async (t) => {
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  const s = SIGNATURE.subarray(32).reduceRight((sum, byte) => (sum << 8n) + BigInt(byte), 0n) + order;
  const other = Buffer.from(SIGNATURE);
  for (let i = 0; i < 32; i += 1) other[32 + i] = Number((s >> BigInt(8 * i)) & 255n);
  t.notOk(hostEd25519()(X, DATA, other));
});

t.test('what is no key verifies nothing', async (t) => {
  const verify = hostEd25519();
  t.notOk(verify('AA', DATA, SIGNATURE));
  t.notOk(verify('', DATA, SIGNATURE));
});

t.test('what jose signs', async (t) => {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x = '' } = await exportJWK(publicKey);
  const jws = await new CompactSign(DATA).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey);
  const dot = jws.lastIndexOf('.');
  t.ok(hostEd25519()(x, Buffer.from(jws.slice(0, dot)), Buffer.from(jws.slice(dot + 1), 'base64url')));
});
