import { createHash } from 'node:crypto';
import t from 'tap';
import { signWish, type Wish } from '../../agent/fleet/compose.ts';
import { makeKeyFiles, readSigner } from '../../agent/fleet/signer.ts';

const WISH: Wish = {
  config: 'aim',
  address: 'all',
  layer: 'base',
  version: 4,
  iat: 1000,
  files: [{ name: 'a', bytes: Buffer.from('x\n') }],
};
const digest = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

t.test('a wish', async (t) => {
  const signer = await readSigner((await makeKeyFiles('ops', t.testdir())).privatePath);
  const update = async (change: Partial<Wish>) => (await signWish({ ...WISH, ...change }, signer)).update;
  const bytesOf = (list: readonly number[]) => Uint8Array.from(list);

  t.match(await update({}), { v: 1, aud: 'all', config: 'aim', version: 4, iat: 1000, withdraw: false });
  t.not((await update({})).id, (await update({})).id, 'each has a name of its own');
  const bytes = bytesOf([0xff, 0xfe, 0]);
  t.match((await update({ files: [{ name: 'a', bytes }] })).files, [
    { encoding: 'base64', content: '//4A', digest: digest(bytes) },
  ]);
  const bom = Buffer.from('\ufeffä');
  t.match((await update({ files: [{ name: 'a', bytes: bom }] })).files, [
    { encoding: 'utf8', content: '\ufeffä', digest: digest(bom) },
  ]);
  t.match(await update({ files: null }), { withdraw: true, files: [] });
  t.match(await update({ layer: 'shadow', until: 2000, exp: 1500, note: 'n', expect: { token: 3 } }), {
    until: 2000,
    exp: 1500,
    note: 'n',
    expect: { token: 3 },
  });

  await t.rejects(update({ config: 'a/b' }), { exit: 2, message: /cannot be signed: config: / });
  await t.rejects(update({ layer: 'shadow' }), { exit: 2, message: /until: is missing/ });
  await t.rejects(update({ files: [{ name: 'a', bytes: Buffer.alloc(100_000, 'x') }] }), {
    exit: 1,
    message: /128 KiB/,
  });
  t.ok(await update({ files: [{ name: 'a', bytes: Buffer.alloc(97_000, 'x') }] }), 'just below');
});
