import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isEd25519Jwk, makeKeyFiles, readSigner } from '../../agent/fleet/signer.ts';
import { hostEd25519 } from '../../agent/host/ed25519.ts';
import { parseKeys } from '../../agent/trust/keys.ts';
import { verifyCommand, verifyUpdate } from '../../agent/trust/verify.ts';
import type { Update } from '../../agent/values/update.ts';
import { opensslVerifies } from '../fixtures/openssl.ts';

const UPDATE: Update = {
  v: 1,
  id: 'u',
  aud: 'all',
  config: 'aim',
  layer: 'base',
  version: 1,
  iat: 1000,
  withdraw: true,
  files: [],
};

t.test('a new key pair signs what its public half verifies, ours and the one of openssl', async (t) => {
  const dir = t.testdir();
  const { kid, privatePath, publicPath } = await makeKeyFiles('ops', dir);
  t.match(kid, /^ops-[0-9a-f]{8}$/);
  t.equal(statSync(privatePath).mode & 0o777, 0o600);
  const jws = await (await readSigner(privatePath)).sign(UPDATE);
  const ring = parseKeys(readFileSync(publicPath, 'utf8'), publicPath);
  t.match(await verifyUpdate(jws, ring, { nowS: 1000, clock: 'ok', ed25519: hostEd25519() }), {
    kind: 'update',
    kid,
    update: UPDATE,
  });
  t.ok(opensslVerifies(dir, jws, ring.find(kid)?.x ?? ''));
  const command = { v: 1, id: 'c', aud: 'dev/d7', cmd: 'refresh', iat: 1000, exp: 1060 } as const;
  const signed = await (await readSigner(privatePath)).signCommand(command);
  t.match(await verifyCommand(signed, ring, { nowS: 1000, clock: 'ok', ed25519: hostEd25519() }), {
    kind: 'command',
    kid,
    command,
  });
  t.ok(opensslVerifies(dir, signed, ring.find(kid)?.x ?? ''));
  t.notOk(readFileSync(publicPath, 'utf8').includes('"d"'));
});

t.test('nothing is overwritten', async (t) => {
  const dir = t.testdir({ 'ops.pub.json': 'precious' });
  await t.rejects(makeKeyFiles('ops', dir), { exit: 1, message: /ops\.pub\.json: is there already/ });
  t.throws(() => statSync(join(dir, 'ops.key.json')), 'no half of a pair is left behind');
  await makeKeyFiles('other', dir);
  await t.rejects(makeKeyFiles('other', dir), { exit: 1, message: /other\.key\.json: is there already/ });
  await t.rejects(makeKeyFiles('x', join(dir, 'gone')), { exit: 1, message: /cannot be written: ENOENT/ });
});

t.test('what is no private key is told from one', async (t) => {
  const dir = t.testdir();
  const { privatePath, publicPath } = await makeKeyFiles('ops', dir);
  const jwk = JSON.parse(readFileSync(privatePath, 'utf8'));
  const given = (content: string) => {
    writeFileSync(join(dir, 'k'), content);
    return readSigner(join(dir, 'k'));
  };
  await t.rejects(given('nonsense'), { exit: 2, message: /not JSON/ });
  await t.rejects(given('7'), { exit: 2, message: /expected an Ed25519 private key/ });
  await t.rejects(given(JSON.stringify({ ...jwk, d: undefined })), { exit: 2, message: /a public key cannot sign/ });
  await t.rejects(given(JSON.stringify({ ...jwk, d: 'short' })), {
    exit: 2,
    message: /expected an Ed25519 private key/,
  });
  await t.rejects(given(JSON.stringify({ ...jwk, kty: 'EC' })), { exit: 2, message: /expected an Ed25519/ });
  await t.rejects(readSigner(publicPath), { exit: 2, message: /a set of public keys cannot sign/ });
  await t.rejects(readSigner(join(dir, 'gone')), { exit: 2, message: /cannot be read: ENOENT/ });
  t.notOk(isEd25519Jwk(null));
});
