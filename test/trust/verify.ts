import fc from 'fast-check';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import t from 'tap';
import { hostEd25519 } from '../../agent/host/ed25519.ts';
import { parseKeys } from '../../agent/trust/keys.ts';
import { verifyCommand, verifyDocument, verifyHalt, verifyUpdate } from '../../agent/trust/verify.ts';
import { opensslKey, opensslKeys, opensslSign } from '../fixtures/openssl.ts';

const PAYLOAD = { v: 1, id: 'u-1', aud: 'all', config: 'aim', layer: 'base', version: 1, iat: 1_795_298_400 };
const UPDATE = {
  ...PAYLOAD,
  files: [{ name: 'a', digest: `sha256:${'0'.repeat(64)}`, encoding: 'utf8', content: 'x' }],
};
const NOW = { nowS: 1_795_298_400, clock: 'ok', ed25519: hostEd25519() } as const;
const encode = (part: unknown) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

t.test('a document signed by openssl', async (t) => {
  const key = opensslKey(t.testdir());
  const stranger = opensslKey(t.testdirName, 'stranger');
  const impostor = opensslKey(`${t.testdirName}/impostor`, key.kid);
  const ring = parseKeys(opensslKeys(key), 'keys.json');
  const good = opensslSign(key, UPDATE);
  const [head, body, signature] = good.split('.');

  const code = async (jws: string) => {
    const result = await verifyDocument(jws, 'update', ring, NOW.ed25519);
    return result.kind === 'refusal' ? result.code : 'verified';
  };
  const withHeader = (header: object, sig = signature) => `${encode(header)}.${body}.${sig}`;
  const right = { alg: 'EdDSA', typ: 'locksmith-update+jwt', kid: key.kid };

  await t.test('is accepted', async (t) => {
    const verified = await verifyDocument(good, 'update', ring, NOW.ed25519);
    t.match(verified, { kind: 'verified', kid: key.kid, payload: UPDATE });
    t.match(await verifyUpdate(good, ring, NOW), {
      kind: 'update',
      kid: key.kid,
      update: { aud: 'all', withdraw: false },
    });
  });

  await t.test('malformed', async (t) => {
    for (const jws of [
      '',
      'x',
      '..',
      'a.b',
      `${good}.x`,
      `.${body}.${signature}`,
      `${head}..${signature}`,
      `!${good}`,
      'a.a.a',
      `${good}\n`,
    ]) {
      t.ok(['malformed', 'bad-signature'].includes(await code(jws)), JSON.stringify(jws.slice(0, 12)));
    }
    t.equal(await code(`${encode('not json')}.${body}.${signature}`), 'malformed');
    t.equal(await code(withHeader([])), 'malformed');
    t.equal(await code(`${encode('{"alg":"EdDSA","alg":"none"}')}.${body}.${signature}`), 'malformed');
    t.equal(await code(`${encode('{"__proto__":{"alg":"EdDSA"}}')}.${body}.${signature}`), 'malformed');
    t.equal(await code(withHeader({ ...right, pad: 'x'.repeat(2000) })), 'malformed');
    for (const header of [
      { crit: ['exp'] },
      { b64: false, crit: ['b64'] },
      { jwk: key.jwk },
      { jku: 'https://x' },
      { x5c: [] },
    ]) {
      t.equal(await code(opensslSign(key, UPDATE, header)), 'malformed', Object.keys(header).join());
    }
    t.equal(await code(opensslSign(key, UPDATE, { cty: 'x' })), 'unknown-field');
    t.equal(await code('x'.repeat(128 * 1024 + 1)), 'too-large');
  });

  await t.test('malformed payloads under a good signature', async (t) => {
    t.equal(await code(opensslSign(key, 'not json')), 'malformed');
    t.equal(await code(opensslSign(key, '{"v":1,"v":2}')), 'malformed');
    t.equal(await code(opensslSign(key, '{"__proto__":{}}')), 'malformed');
    t.equal(await code(opensslSign(key, '['.repeat(20_000) + ']'.repeat(20_000))), 'malformed');
    const signedBytes = await (async () => {
      const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
      const own = parseKeys(JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k' }] }), 'k');
      const jws = await new CompactSign(Uint8Array.of(0x22, 0xff, 0x22))
        .setProtectedHeader({ ...right, kid: 'k' })
        .sign(pair.privateKey);
      return verifyDocument(jws, 'update', own, NOW.ed25519);
    })();
    t.match(signedBytes, { code: 'malformed', reason: 'payload: not UTF-8', signed: true });
    t.match(await verifyUpdate(opensslSign(key, PAYLOAD), ring, NOW), {
      code: 'malformed',
      reason: /^files: /,
      signed: true,
    });
  });

  await t.test('bad-type, before the algorithm is looked at', async (t) => {
    for (const typ of ['JWT', 'locksmith-command+jwt', 'LOCKSMITH-UPDATE+JWT', 7, undefined]) {
      t.equal(await code(opensslSign(key, UPDATE, { typ })), 'bad-type', String(typ));
    }
    t.equal(await code(withHeader({ alg: 'none', typ: 'JWT' }, '')), 'bad-type');
  });

  await t.test('a command is no update, and an update no command', async (t) => {
    const command = { v: 1, id: 'c-1', aud: 'dev/d7', cmd: 'refresh', iat: NOW.nowS, exp: NOW.nowS + 60 };
    const typ = 'locksmith-command+jwt';
    const signed = opensslSign(key, command, { typ });
    t.match(await verifyCommand(signed, ring, NOW), { kind: 'command', kid: key.kid, command });
    t.match(await verifyUpdate(signed, ring, NOW), { code: 'bad-type', signed: false });
    t.match(await verifyCommand(good, ring, NOW), { code: 'bad-type', signed: false, id: null });
    t.match(await verifyCommand(opensslSign(key, command), ring, NOW), { code: 'bad-type', signed: false });
    t.match(await verifyCommand(opensslSign(stranger, command, { typ }), ring, NOW), { code: 'unknown-key', id: null });
    const { exp: _, ...endless } = command;
    t.match(
      await verifyCommand(opensslSign(key, endless, { typ }), ring, NOW),
      { code: 'malformed', reason: 'exp: is missing', signed: true, id: 'c-1' },
      'a signed one that is wrong is named',
    );
    const narrow = parseKeys(JSON.stringify({ keys: [{ ...key.jwk, may: { commands: ['release'] } }] }), 'k');
    t.match(await verifyCommand(signed, narrow, NOW), { code: 'key-not-allowed', signed: true, id: 'c-1' });
  });

  await t.test('a halt is neither', async (t) => {
    const halt = { v: 1, id: 'h-1', aud: 'all', version: 1, iat: NOW.nowS };
    const signed = opensslSign(key, halt, { typ: 'locksmith-halt+jwt' });
    t.match(verifyHalt(signed, ring, NOW), { kind: 'halt', kid: key.kid, halt });
    t.match(verifyUpdate(signed, ring, NOW), { code: 'bad-type', signed: false });
    t.match(verifyCommand(signed, ring, NOW), { code: 'bad-type', signed: false });
    t.match(verifyHalt(good, ring, NOW), { code: 'bad-type', signed: false });
    const typ = 'locksmith-halt+jwt';
    t.match(verifyHalt(opensslSign(key, { ...halt, v: 2 }, { typ }), ring, NOW), {
      code: 'unsupported-format',
      signed: true,
    });
    const narrow = parseKeys(JSON.stringify({ keys: [{ ...key.jwk, may: { configs: ['aim'] } }] }), 'k');
    t.match(verifyHalt(signed, narrow, NOW), { code: 'key-not-allowed', signed: true });
  });

  await t.test('bad-algorithm', async (t) => {
    for (const alg of ['none', 'HS256', 'ES256', 'RS256', 'Ed448', 'eddsa', undefined]) {
      t.equal(await code(withHeader({ ...right, alg })), 'bad-algorithm', String(alg));
    }
    t.equal(await code(withHeader({ ...right, alg: 'none' }, '')), 'bad-algorithm');
  });

  await t.test('HS256 with our public key as the secret is a bad algorithm, not a good signature', async (t) => {
    const input = `${encode({ ...right, alg: 'HS256' })}.${body}`;
    const { createHmac } = await import('node:crypto');
    const mac = createHmac('sha256', Buffer.from(key.jwk.x, 'base64url')).update(input).digest('base64url');
    t.equal(await code(`${input}.${mac}`), 'bad-algorithm');
  });

  await t.test('unknown-key', async (t) => {
    t.equal(await code(opensslSign(stranger, UPDATE)), 'unknown-key');
    t.match(await verifyDocument(opensslSign(key, UPDATE, { kid: undefined }), 'update', ring, NOW.ed25519), {
      ...{ code: 'unknown-key', reason: 'the header names no key (kid)' },
    });
    t.equal(await code(opensslSign(key, UPDATE, { kid: 'toString' })), 'unknown-key');
    const refusal = await verifyDocument(opensslSign(key, UPDATE, { kid: 'a\u001b[2Jb' }), 'update', ring, NOW.ed25519);
    t.match(refusal, { reason: /'a\?\[2Jb'/, signed: false }, 'nothing from outside reaches a terminal as it is');
  });

  await t.test('bad-signature', async (t) => {
    t.equal(await code(opensslSign(impostor, UPDATE)), 'bad-signature');
    t.equal(await code(`${head}.${encode({ ...UPDATE, version: 2 })}.${signature}`), 'bad-signature');
    t.equal(await code(`${head}.${body}.`), 'bad-signature');
    t.equal(await code(`${head}.${body}.${signature?.slice(0, -1)}`), 'bad-signature');
    const last = signature?.at(-1) ?? '';
    const other = String.fromCharCode(last.charCodeAt(0) + 1);
    t.equal(
      await code(`${head}.${body}.${signature?.slice(0, -1)}${other}`),
      'bad-signature',
      'one signature has one spelling',
    );
  });

  await t.test('whatever is changed, cut out or put in, it is refused and nothing is thrown', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.nat(3), fc.string(), async (at, cut, put) => {
        const jws = good.slice(0, at) + put + good.slice(at + cut);
        const result = await verifyDocument(jws, 'update', ring, NOW.ed25519);
        return jws === good || result.kind === 'refusal';
      }),
      { numRuns: 500 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 300 }),
        async (text) => (await verifyDocument(text, 'update', ring, NOW.ed25519)).kind === 'refusal',
      ),
    );
  });
});
