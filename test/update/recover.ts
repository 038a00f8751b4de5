import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { commit } from '../../agent/update/commit.ts';
import { digestOf } from '../../agent/update/content.ts';
import { goalOfIntent } from '../../agent/update/goal.ts';
import * as made from '../../agent/update/ledger.ts';
import { recover } from '../../agent/update/recover.ts';
import { stage } from '../../agent/update/stage.ts';
import type { Intent } from '../../agent/update/under-way.ts';
import { configDir } from '../fixtures/config-files.ts';
import { commitBench, heldUpdate, update, updateFile } from '../fixtures/update.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const digest = (text: string) => digestOf(bytes(text), sha256);
const NAMES = ['a', 'b', 'c'];
const DOCUMENT = heldUpdate(
  { expect: { token: 5 } },
  update({ files: NAMES.map((name) => updateFile(name, `new ${name}`)), expect: { token: 5 } }),
);

/** A set of three that was cut off when its files were staged and its intent written; `c` was not there before. */
async function cutOff(t: { teardown(fn: () => unknown): void }) {
  const [dir, remove] = configDir();
  t.teardown(remove);
  for (const name of ['a', 'b']) writeFileSync(join(dir, name), `old ${name}`);
  const it = await commitBench(dir);
  t.teardown(it.close);
  const contents = NAMES.map((name) => ({ name, bytes: bytes(`new ${name}`), digest: digest(`new ${name}`) }));
  const files = await stage(it.open(...NAMES), contents);
  const before = NAMES.map((name) => (name === 'c' ? null : digest(`old ${name}`)));
  const intent: Intent = {
    config: 'aim',
    of: made.refOf(DOCUMENT),
    files: files.map(({ name, staged, digest }, index) => ({ name, staged, digest, before: before[index] ?? null })),
    tokenBefore: 5,
  };
  await it.journal.append([made.heldRecord(DOCUMENT), made.intentRecord(intent)]);
  const put = (name: string) => {
    const staged = intent.files.find((file) => file.name === name)?.staged ?? '';
    renameSync(join(dir, staged), join(dir, name));
  };
  return {
    ...it,
    dir,
    intent,
    contents,
    put,
    staged: (name: string) => join(dir, intent.files.find((file) => file.name === name)?.staged ?? ''),
  };
}
const run = (it: Awaited<ReturnType<typeof cutOff>>) => recover(it, it.intent, it.open(...NAMES), it.contents);
const read = (dir: string) =>
  NAMES.map((name) => (existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8') : null));
const leftovers = (dir: string) => readdirSync(dir).filter((name) => name.endsWith('.locksmith'));

t.test('cut off before the first rename: back, nothing staged is left', async (t) => {
  const it = await cutOff(t);
  t.same(await run(it), { kind: 'back' });
  t.same(read(it.dir), ['old a', 'old b', null]);
  t.same(leftovers(it.dir), []);
  t.equal(it.ledger.intent('aim'), null);
});

t.test('cut off after any other rename, in any order: forward, all new', async (t) => {
  for (const done of [['a'], ['b'], ['c'], ['a', 'b'], ['a', 'c'], ['b', 'c'], NAMES]) {
    const it = await cutOff(t);
    for (const name of done) it.put(name);
    t.same(await run(it), { kind: 'forward' }, done.join());
    t.same(read(it.dir), ['new a', 'new b', 'new c']);
    t.same(leftovers(it.dir), []);
    t.same(it.ledger.generations('aim'), [], 'no edit, nothing to keep');
    t.not(it.ledger.intent('aim'), null, 'the caller ends it, together with the outcome');
    t.same(await run(it), { kind: 'forward' }, 'and again, as after a second crash');
  }
});

t.test('a file that is the same in both sets was staged and never renamed: nothing of it is left', async (t) => {
  for (const done of [['a'], ['a', 'c']]) {
    const it = await cutOff(t);
    writeFileSync(join(it.dir, 'b'), 'new b');
    for (const name of done) it.put(name);
    t.same(await run(it), { kind: 'forward' }, done.join());
    t.same(read(it.dir), ['new a', 'new b', 'new c']);
    t.same(leftovers(it.dir), []);
  }
});

t.test('what was staged is damaged or gone: staged again from the document', async (t) => {
  const it = await cutOff(t);
  it.put('a');
  writeFileSync(it.staged('b'), 'half');
  rmSync(it.staged('c'));
  t.same(await run(it), { kind: 'forward' });
  t.same(read(it.dir), ['new a', 'new b', 'new c']);
});

t.test('mixed, and somebody has the lock: it waits and touches nothing', async (t) => {
  const it = await cutOff(t);
  it.put('a');
  it.locks.hot = true;
  t.match(await run(it), { kind: 'hot', lock: { state: 'HOT' } });
  t.same(read(it.dir), ['new a', 'old b', null]);
  it.locks.hot = false;
  it.locks.breakIt = true;
  t.match(await run(it), { kind: 'hot' });
  t.same(read(it.dir), ['new a', 'old b', null]);
  it.locks.breakIt = false;
  t.same(await run(it), { kind: 'forward' });
});

t.test('a file that was edited after the crash is kept before it is overwritten', async (t) => {
  const it = await cutOff(t);
  it.put('a');
  writeFileSync(join(it.dir, 'b'), 'by hand');
  t.same(await run(it), { kind: 'forward' });
  t.same(read(it.dir), ['new a', 'new b', 'new c']);
  const drift = it.ledger.generations('aim').at(-1);
  t.equal(drift?.why, 'drift');
  t.match(drift && it.keeper.read(drift), [{}, { name: 'b', bytes: Buffer.from('by hand') }, {}]);
});

t.test(
  'a file that was edited after a crash before the first rename is no rename of ours: back, and the edit stays',
  async (t) => {
    const it = await cutOff(t);
    writeFileSync(join(it.dir, 'b'), 'by hand');
    rmSync(join(it.dir, 'a'));
    writeFileSync(join(it.dir, 'c'), 'a new one');
    t.same(await run(it), { kind: 'back' });
    t.same(read(it.dir), [null, 'by hand', 'a new one']);
    t.same(leftovers(it.dir), []);
    t.equal(it.ledger.intent('aim'), null);
  },
);

t.test('a file that was renamed and then edited is a rename of ours: forward', async (t) => {
  const it = await cutOff(t);
  it.put('a');
  writeFileSync(join(it.dir, 'a'), 'by hand');
  t.same(await run(it), { kind: 'forward' });
  t.same(read(it.dir), ['new a', 'new b', 'new c']);
});

t.test('a removal that was cut off goes forward too', async (t) => {
  const it = await cutOff(t);
  const intent = {
    ...it.intent,
    files: it.intent.files.map((file) => (file.name === 'b' ? { ...file, staged: null, digest: null } : file)),
  };
  it.put('a');
  const contents = it.contents.map((content) => (content.name === 'b' ? { name: 'b', bytes: null } : content));
  t.same(await recover(it, intent, it.open(...NAMES), contents), { kind: 'forward' });
  t.same(read(it.dir), ['new a', null, 'new c']);
});

t.test('the token found before the crash is the one that counts afterwards, also after a restart', async (t) => {
  const it = await cutOff(t);
  // Our own grant of the commit that was cut off.
  it.locks.token = 6;
  t.same(await run(it), { kind: 'back' });
  const again = { ...it, ledger: await it.again() };
  t.equal(again.ledger.tokenFound('aim', DOCUMENT), 5);
  t.equal(again.ledger.tokenFound('aim', heldUpdate({ version: 2 })), null, 'for this document alone');
  const files = await stage(it.open(...NAMES), it.contents);
  const plan = {
    config: 'aim',
    file: 'a',
    of: DOCUMENT,
    stillWanted: () => true,
    stillOpen: () => true,
    trial: null,
    back: false,
    done: async () => {},
    files,
    expect: DOCUMENT.expect,
  };
  t.match(await commit(it, { ...plan, of: heldUpdate({ version: 2 }) }), { mismatch: 'token' });
  t.match(await commit(it, plan), { kind: 'committed', token: 8 });
  t.equal(it.ledger.intent('aim')?.tokenBefore, 5);
});

t.test('a newer document that came in mid-commit: the one under way is still found, and so ended', async (t) => {
  for (const latest of [heldUpdate({ version: 2 }), heldUpdate({ version: 2, digest: null })]) {
    const it = await cutOff(t);
    it.put('a');
    await it.journal.append([made.heldRecord(latest)]);
    for (const ledger of [it.ledger, await it.again()]) {
      const anew = made.createLedger();
      for (const record of ledger.snapshot()) anew.fold(record);
      const goal = goalOfIntent(anew, it.keeper, it.intent);
      t.match(goal, { held: { version: 1 }, digest: DOCUMENT.digest });
      t.same(anew.place('aim', 'all', 'base')?.latest, latest);
    }
    const goal = goalOfIntent(await it.again(), it.keeper, it.intent);
    t.same(await recover(it, it.intent, it.open(...NAMES), goal?.contents ?? []), { kind: 'forward' });
    t.same(read(it.dir), ['new a', 'new b', 'new c']);
  }
});
