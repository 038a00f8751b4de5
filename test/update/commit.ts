import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { type CommitPlan, commit, readContents } from '../../agent/update/commit.ts';
import { digestOf } from '../../agent/update/content.ts';
import { generationRecord } from '../../agent/update/generations.ts';
import * as made from '../../agent/update/ledger.ts';
import { stage } from '../../agent/update/stage.ts';
import { Failure } from '../../agent/values/errors.ts';
import { configDir } from '../fixtures/config-files.ts';
import { type CommitBench, commitBench, heldUpdate, update, updateFile } from '../fixtures/update.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const digest = (text: string) => digestOf(bytes(text), sha256);
const DOCUMENT = heldUpdate({}, update({ files: [updateFile('a', 'new a'), updateFile('b', 'new b')] }));

/** A bench with files `a` and `b`, and its directory. */
async function bench(t: { teardown(fn: () => unknown): void }): Promise<CommitBench & { readonly dir: string }> {
  const [dir, remove] = configDir();
  t.teardown(remove);
  for (const name of ['a', 'b']) writeFileSync(join(dir, name), `old ${name}`);
  const made = await commitBench(dir);
  t.teardown(made.close);
  return { ...made, dir };
}

/** Stages `new NAME` for each name, or nothing for those that go, and plans it. */
async function plan(it: CommitBench, names: readonly string[], gone: readonly string[] = []): Promise<CommitPlan> {
  const contents = names.map((name) => {
    const absent = { name, bytes: null, digest: null };
    return gone.includes(name) ? absent : { name, bytes: bytes(`new ${name}`), digest: digest(`new ${name}`) };
  });
  const files = await stage(it.open(...names), contents);
  const asks = { stillWanted: () => true, stillOpen: () => true, done: async () => {}, trial: null, back: false };
  return { config: 'aim', file: 'a', of: DOCUMENT, ...asks, files, expect: null };
}
const onDisk = (dir: string) =>
  Object.fromEntries(
    readdirSync(dir)
      .filter((name) => /^[ab]$|locksmith$/.test(name))
      .map((name) => [name.replace(/[a-z0-9]+\.locksmith/, 'staged'), readFileSync(join(dir, name), 'utf8')]),
  );

t.test('a whole set goes in, is covered by locks, and what was there is kept as the original', async (t) => {
  const it = await bench(t);
  it.ledger.fold(made.heldRecord(DOCUMENT));
  const before = readContents(it.open('a', 'b'), sha256);
  t.same(await commit(it, await plan(it, ['a', 'b'])), { kind: 'committed', before: before.digest, token: 6 });
  t.same(onDisk(it.dir), { a: 'new a', b: 'new b' });
  t.equal(it.locks.covered.length, 2);
  const original = it.ledger.original('aim');
  t.equal(original?.digest, before.digest);
  t.same(original && it.keeper.read(original), before.contents);
  t.match(it.ledger.intent('aim'), {
    of: made.refOf(DOCUMENT),
    tokenBefore: 5,
    files: [
      { name: 'a', digest: digest('new a'), before: digest('old a') },
      { name: 'b', digest: digest('new b'), before: digest('old b') },
    ],
  });
  const again = await it.again();
  t.same(again.intent('aim'), it.ledger.intent('aim'), 'on disk before the first rename');
  t.same(again.original('aim'), original);
});

t.test('a file that the set takes away, and one that was not there', async (t) => {
  const it = await bench(t);
  t.match(await commit(it, await plan(it, ['a', 'b', 'c'], ['b'])), { kind: 'committed' });
  t.same(readdirSync(it.dir).sort(), ['a', 'c', 'journal', 'kept']);
  t.match(it.ledger.intent('aim')?.files, [{}, { staged: null, digest: null }, { before: null }]);
});

t.test('the second move keeps nothing; one over an edit by hand keeps that', async (t) => {
  const it = await bench(t);
  await commit(it, await plan(it, ['a']));
  const files = await it.keeper.keep('keep.store', [{ name: 'a', bytes: bytes('new a') }]);
  const applied = {
    why: 'update',
    document: null,
    outcome: 'applied',
    at: '',
    content: { kind: 'stored', files },
  } as const;
  const ran = generationRecord({ config: 'aim', digest: digest('new a'), ...applied });
  await it.journal.append([ran, made.intentOverRecord('aim')]);
  await commit(it, await plan(it, ['a']));
  t.equal(it.ledger.generations('aim').length, 2);
  writeFileSync(join(it.dir, 'a'), 'by hand');
  await commit(it, await plan(it, ['a']));
  const drift = it.ledger.generations('aim').at(-1);
  t.match(drift, { why: 'drift', digest: digest('by hand') });
  t.same(drift && it.keeper.read(drift), [{ name: 'a', bytes: Buffer.from('by hand') }]);
});

t.test('what ends a commit before its first rename leaves the old files and no intent', async (t) => {
  const it = await bench(t);
  const base = await plan(it, ['a', 'b']);
  const kept = onDisk(it.dir);
  t.match(await commit(it, { ...base, expect: { token: 4 } }), { code: 'lock-mismatch', mismatch: 'token' });
  t.match(await commit(it, { ...base, expect: { digest: digest('x') } }), { mismatch: 'digest' });
  t.match(await commit(it, { ...base, stillWanted: () => false }), { kind: 'outdated' });
  it.locks.hot = true;
  t.match(await commit(it, base), { kind: 'hot', lock: { state: 'HOT' } });
  t.same(it.ledger.snapshot(), []);
  it.locks.hot = false;
  it.locks.breakIt = true;
  t.match(await commit(it, base), { kind: 'hot' }, 'broken between check and rename');
  t.equal(it.ledger.intent('aim'), null);
  t.equal((await it.again()).intent('aim'), null);
  t.same(onDisk(it.dir), kept);
});

t.test('expected token and digest, as they are', async (t) => {
  const it = await bench(t);
  const now = readContents(it.open('a', 'b'), sha256).digest;
  const base = await plan(it, ['a', 'b']);
  t.match(await commit(it, { ...base, expect: { token: 5, digest: now } }), { kind: 'committed', token: 6 });
});

t.test('a disk that fails amid the renames: the intent stays, for what is staged is still needed', async (t) => {
  const it = await bench(t);
  const { files, ...base } = await plan(it, ['a', 'b']);
  const broken = files.map((file) => {
    const put = () => {
      throw new Failure('io', 'commit.rename', file.name, 'the disk fails', { retry: true });
    };
    return file.name === 'a' ? file : { ...file, target: { ...file.target, put } };
  });
  await t.rejects(commit(it, { ...base, files: broken }), { code: 'io' });
  t.same(onDisk(it.dir), { a: 'new a', b: 'old b', '.b.staged': 'new b' });
  t.match((await it.again()).intent('aim'), { files: [{ name: 'a' }, { name: 'b' }] });
});

t.test('a disk that takes no intent: nothing is renamed', async (t) => {
  const it = await bench(t);
  const base = await plan(it, ['a', 'b']);
  const kept = onDisk(it.dir);
  const append = () => Promise.reject(new Failure('disk-full', 'journal.append', '', 'no room', { retry: true }));
  await t.rejects(commit({ ...it, journal: { ...it.journal, append } }, base), { code: 'disk-full' });
  t.same(onDisk(it.dir), kept);
});

t.test('the outcome is said while the lock is still ours, and only after every rename', async (t) => {
  const it = await bench(t);
  it.ledger.fold(made.heldRecord(DOCUMENT));
  const hold = it.locks.hold;
  let ours = false;
  it.locks.hold = async (config, section) => {
    ours = true;
    const held = await hold(config, section);
    ours = false;
    return held;
  };
  const base = await plan(it, ['a', 'b']);
  const seen: unknown[] = [];
  const done = async () => void seen.push({ ours, disk: onDisk(it.dir) });
  t.match(await commit(it, { ...base, done }), { kind: 'committed' });
  t.same(seen, [{ ours: true, disk: { a: 'new a', b: 'new b' } }]);
});
