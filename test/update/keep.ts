import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { openKeeper } from '../../agent/update/keep.ts';

const bytes = (text: string) => Buffer.from(text);

t.test('what is kept can be read back, each content once, absent files too', async (t) => {
  const dir = join(t.testdir(), 'kept');
  const keeper = openKeeper(hostFiles(), sha256, dir);
  const contents = [
    { name: 'a', bytes: bytes('same') },
    { name: 'b', bytes: bytes('same') },
    { name: 'c', bytes: null },
    { name: 'd', bytes: bytes('') },
  ];
  const kept = await keeper.keep('aim', 'original', 'sha256:whole', contents);
  t.match(kept, { config: 'aim', why: 'original', digest: 'sha256:whole' });
  t.same(keeper.read(kept), contents);
  t.same(readdirSync(dir).sort(), [sha256(''), sha256('same')].sort());
  t.equal(statSync(dir).mode & 0o777, 0o700);
  t.equal(statSync(join(dir, sha256('same'))).mode & 0o777, 0o600);

  const other = await keeper.keep('aim', 'drift', 'sha256:other', [{ name: 'a', bytes: bytes('drift') }]);
  writeFileSync(join(dir, `${sha256('x')}.1.tmp`), 'left behind');
  keeper.sweep([kept]);
  t.same(keeper.read(kept), contents);
  t.throws(() => keeper.read(other), { code: 'io', message: /is gone/, retry: true });
  t.equal(readdirSync(dir).length, 2);
});

t.test('a damaged content is never given out, and is mended by the next one that is kept', async (t) => {
  const dir = join(t.testdir(), 'kept');
  const keeper = openKeeper(hostFiles(), sha256, dir);
  const contents = [{ name: 'a', bytes: bytes('good') }];
  const kept = await keeper.keep('aim', 'original', 'd', contents);
  writeFileSync(join(dir, sha256('good')), 'evil');
  t.throws(() => keeper.read(kept), { code: 'io', message: /is damaged/ });
  await keeper.keep('aim', 'drift', 'd', contents);
  t.same(keeper.read(kept), contents);
});

t.test('the directory is durable before the first record refers to it; a failure is a coded one', async (t) => {
  const home = t.testdir();
  const dir = join(home, 'kept');
  const synced: string[] = [];
  const files = hostFiles();
  const keeper = openKeeper({ ...files, syncDir: async (_op, path) => void synced.push(path) }, sha256, dir);
  await keeper.keep('aim', 'original', 'd', [{ name: 'a', bytes: bytes('x') }]);
  await keeper.keep('aim', 'drift', 'd', []);
  t.same(synced, [home], 'once');
  rmSync(dir, { recursive: true });
  writeFileSync(dir, 'a file where the directory should be');
  await t.rejects(keeper.keep('aim', 'original', 'd', [{ name: 'a', bytes: bytes('x') }]), { name: 'Failure' });
  rmSync(dir);
  mkdirSync(dir);
  chmodSync(dir, 0o700);
  t.doesNotThrow(() => keeper.sweep([]));
});
