import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
    writeFileSync(join(dir, 'k'), content, { mode: 0o600 });
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

t.test('a private key that others may take is not used, and the mode is named', async (t) => {
  const { privatePath } = await makeKeyFiles('ops', t.testdir());
  for (const mode of [0o644, 0o604, 0o660, 0o601]) {
    chmodSync(privatePath, mode);
    await t.rejects(readSigner(privatePath), {
      ...{ exit: 2, remedy: /^chmod 600 .*ops\.key\.json/ },
      message: `${privatePath}: mode 0${mode.toString(8)}: others on this machine may take this private key`,
    });
  }
  for (const mode of [0o600, 0o400, 0o640]) {
    chmodSync(privatePath, mode);
    t.match(await readSigner(privatePath), { kid: /^ops-/ });
  }
});

t.test('a root key says so in both files, and signs no update', async (t) => {
  const { privatePath, publicPath } = await makeKeyFiles('safe', t.testdir(), 'root');
  t.match(parseKeys(readFileSync(publicPath, 'utf8'), publicPath).keys, [{ role: 'root' }]);
  await t.rejects(readSigner(privatePath), { exit: 2, message: /safe-[0-9a-f]{8} is a root key: it signs trust doc/ });
});
