import { appendFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { openFetched } from '../../agent/update/fetched.ts';

const bytes = (text: string) => Buffer.from(text);
const remote = (text: string) => ({
  digest: `sha256:${sha256(text)}`,
  url: 'https://host/a',
  size: bytes(text).length,
});

function store(t: Test) {
  const dir = join(t.testdir(), 'fetched');
  return { dir, fetched: openFetched(hostFiles(), sha256, dir) };
}

t.test('a content is there once all of it has come, also after a life that ended half-way', async (t) => {
  const { dir, fetched } = store(t);
  const file = remote('one two');
  t.equal(fetched.read(file), null);
  const first = await fetched.open(file);
  t.equal(first.bytes(), 0);
  first.take(bytes('one'), 0);
  t.equal(fetched.read(file), null);
  await t.rejects(first.finish(), { code: 'download-failed', message: /has 3 bytes, not the 7/ });
  first.close();
  const again = await openFetched(hostFiles(), sha256, dir).open(file);
  t.equal(again.bytes(), 3, 'what has come so far is kept');
  t.throws(() => again.take(bytes('x'), 5), { code: 'download-failed', message: /do not fit together/ });
  again.take(bytes(' two'), 3);
  await again.finish();
  again.close();
  t.same(fetched.read(file), bytes('one two'));
  t.same(readdirSync(dir), [sha256('one two')]);
});

t.test('a server that begins anew is followed', async (t) => {
  const { fetched } = store(t);
  const file = remote('abc');
  const part = await fetched.open(file);
  part.take(bytes('xx'), 0);
  part.take(bytes('ab'), 0);
  part.take(bytes('c'), 2);
  await part.finish();
  part.close();
  t.same(fetched.read(file), bytes('abc'));
});

t.test('what is not what was signed is forgotten', async (t) => {
  const { dir, fetched } = store(t);
  const file = remote('abc');
  const part = await fetched.open(file);
  t.throws(() => part.take(bytes('abcd'), 0), { code: 'download-failed', message: /more than the 3 bytes/ });
  part.take(bytes('abd'), 0);
  await t.rejects(part.finish(), { code: 'download-failed', message: /has sha256:.* not the sha256:.* signed/ });
  t.equal(part.bytes(), 0);
  part.close();
  t.equal(fetched.read(file), null);
  writeFileSync(join(dir, sha256('abc')), 'abd');
  t.equal(fetched.read(file), null, 'a damaged content is none');
  appendFileSync(join(dir, `${sha256('abc')}.part`), 'far too long');
  const long = await fetched.open(file);
  t.equal(long.bytes(), 0);
  long.take(bytes('abc'), 0);
  await long.finish();
  long.close();
  t.same(fetched.read(file), bytes('abc'), 'and is put in its place');
});

t.test('an empty content', async (t) => {
  const { fetched } = store(t);
  const part = await fetched.open(remote(''));
  await part.finish();
  part.close();
  t.same(fetched.read(remote('')), bytes(''));
});

t.test('what no document asks for any more is removed', async (t) => {
  const { dir, fetched } = store(t);
  fetched.sweep(() => {
    throw new Error('nothing is here, so nothing is asked');
  });
  for (const text of ['a', 'b']) {
    const part = await fetched.open(remote(text));
    part.take(bytes(text), 0);
    await part.finish();
    part.close();
  }
  const part = await fetched.open(remote('ccc'));
  part.take(bytes('c'), 0);
  part.close();
  fetched.sweep(() => new Set([remote('a').digest, remote('ccc').digest]));
  t.same(readdirSync(dir).sort(), [sha256('a'), `${sha256('ccc')}.part`].sort());
  fetched.sweep(() => new Set());
  t.same(readdirSync(dir), []);
  t.notOk(existsSync(join(dir, sha256('a'))));
});
