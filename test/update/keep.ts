import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import type { Generation, GenerationFile } from '../../agent/update/generations.ts';
import { openKeeper } from '../../agent/update/keep.ts';
import { heldUpdate, update } from '../fixtures/update.ts';

const bytes = (text: string) => Buffer.from(text);

/** A generation with these files. */
const generation = (files: readonly GenerationFile[]): Generation => ({
  ...{ config: 'aim', n: 1, why: 'drift', digest: 'd', document: null, outcome: null, at: '' },
  content: { kind: 'stored', files },
});

t.test('what is kept can be read back, each content once, absent files too', async (t) => {
  const dir = join(t.testdir(), 'kept');
  const keeper = openKeeper(hostFiles(), sha256, dir);
  const contents = [
    { name: 'a', bytes: bytes('same') },
    { name: 'b', bytes: bytes('same') },
    { name: 'c', bytes: null },
    { name: 'd', bytes: bytes('') },
  ];
  const kept = generation(await keeper.keep('commit.keep', contents));
  t.same(keeper.read(kept), contents);
  t.same(readdirSync(dir).sort(), [sha256(''), sha256('same')].sort());
  t.equal(statSync(dir).mode & 0o777, 0o700);
  t.equal(statSync(join(dir, sha256('same'))).mode & 0o777, 0o600);

  const signed: Generation = { ...kept, content: { kind: 'signed', jws: heldUpdate().jws } };
  t.same(keeper.read(signed), [{ name: 'aim.conf', bytes: bytes('rate = 5\n') }], 'still only in its document');
});

t.test(
  'what no generation has is removed, but not what is still being written and what has no generation yet',
  async (t) => {
    const dir = join(t.testdir(), 'kept');
    const keeper = openKeeper(hostFiles(), sha256, dir);
    keeper.sweep([]);
    const keep = async (text: string) =>
      generation(await keeper.keep('commit.keep', [{ name: 'a', bytes: bytes(text) }]));
    const [kept, other] = [await keep('one'), await keep('two')];
    const temp = `${sha256('x')}.1.abc.tmp`;
    writeFileSync(join(dir, temp), 'half');
    keeper.sweep([kept]);
    t.same(keeper.read(other), [{ name: 'a', bytes: bytes('two') }], 'its generation may be on its way');
    keeper.sweep([kept, other]);
    keeper.sweep([kept]);
    t.throws(() => keeper.read(other), { code: 'io', message: /is gone/, retry: true });
    t.same(readdirSync(dir).sort(), [sha256('one'), temp].sort());

    await keep('three');
    openKeeper(hostFiles(), sha256, dir).sweep([kept]);
    t.same(readdirSync(dir).sort(), [sha256('one'), temp].sort(), 'after a restart nothing is on its way');
  },
);

t.test('a damaged content is never given out, and is mended by the next one that is kept', async (t) => {
  const dir = join(t.testdir(), 'kept');
  const keeper = openKeeper(hostFiles(), sha256, dir);
  const contents = [{ name: 'a', bytes: bytes('good') }];
  const kept = generation(await keeper.keep('commit.keep', contents));
  writeFileSync(join(dir, sha256('good')), 'evil');
  t.throws(() => keeper.read(kept), { code: 'io', message: /is damaged/ });
  await keeper.keep('commit.keep', contents);
  t.same(keeper.read(kept), contents);
});

t.test('the directory is durable before the first record refers to it; a failure is a coded one', async (t) => {
  const home = t.testdir();
  const dir = join(home, 'kept');
  const synced: string[] = [];
  const files = hostFiles();
  const keeper = openKeeper({ ...files, syncDir: async (_op, path) => void synced.push(path) }, sha256, dir);
  await keeper.keep('commit.keep', [{ name: 'a', bytes: bytes('x') }]);
  await keeper.keep('commit.keep', []);
  t.same(synced, [home], 'once');
  rmSync(dir, { recursive: true });
  writeFileSync(dir, 'a file where the directory should be');
  await t.rejects(keeper.keep('commit.keep', [{ name: 'a', bytes: bytes('x') }]), { name: 'Failure' });
  rmSync(dir);
  mkdirSync(dir);
  chmodSync(dir, 0o700);
  t.doesNotThrow(() => keeper.sweep([]));
});

t.test('what a document gives by address is read from where it was fetched to', async (t) => {
  const state = t.testdir();
  const keeper = openKeeper(hostFiles(), sha256, join(state, 'kept'));
  const remote = { name: 'far', digest: `sha256:${sha256('abc')}`, url: 'https://host/far', size: 3 };
  const { jws } = heldUpdate({}, update({ files: [remote, { name: 'gone', absent: true }] }));
  t.same(keeper.wanted(jws), {
    contents: [
      { name: 'far', bytes: null },
      { name: 'gone', bytes: null },
    ],
    missing: [remote],
  });
  t.throws(() => keeper.signed(jws), { code: 'io', message: /the content of far is not here/ });
  const part = await keeper.fetched.open(remote);
  part.take(bytes('abc'), 0);
  await part.finish();
  part.close();
  t.same(keeper.signed(jws)[0], { name: 'far', bytes: bytes('abc') });
  t.same(keeper.wanted(jws).missing, []);
});
