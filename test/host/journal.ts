import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import fc from 'fast-check';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { replayJournal } from '../../agent/host/journal.ts';
import type { Files } from '../../agent/ports/files.ts';
import { Failure } from '../../agent/values/errors.ts';
import { numberRecord, numbers, replayed, testJournal } from '../fixtures/journal.ts';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const sorted = (set: ReadonlySet<number>) => [...set].sort((a, b) => a - b);
const full = (path: string) => new Failure('disk-full', 'journal.append', path, 'no room', { retry: true });

/** Real files whose journal can be made to fail. */
function breakable() {
  const real = hostFiles();
  const broken = {
    /** Bytes of a write that still fit. */
    writeAfter: Number.POSITIVE_INFINITY,
    copies: false,
    sync: false,
    truncate: false,
    syncDir: false,
    syncs: 0,
    /** Called in the middle of a compaction. */
    amid: () => {},
  };
  const files: Files = {
    ...real,
    async syncDir(op, dir) {
      if (broken.syncDir) throw full(dir);
      await real.syncDir(op, dir);
    },
    async openAppend(op, path, mode) {
      const file = await real.openAppend(op, path, mode);
      return {
        ...file,
        append(appendOp, bytes) {
          if (broken.copies && path.endsWith('.new')) throw full(path);
          if (bytes.length <= broken.writeAfter) return file.append(appendOp, bytes);
          // As a full disk does it: some of it is written.
          appendFileSync(path, bytes.subarray(0, broken.writeAfter));
          throw full(path);
        },
        async sync(syncOp) {
          broken.syncs += 1;
          if (path.endsWith('.new')) broken.amid();
          if (broken.sync) throw full(path);
          await file.sync(syncOp);
        },
        truncate(truncateOp, bytes) {
          if (broken.truncate) throw full(path);
          file.truncate(truncateOp, bytes);
        },
      };
    },
  };
  return { files, broken };
}

t.test('what was appended is there after a restart, in order, and rooms of other versions lose nothing', async (t) => {
  const path = join(t.testdir(), 'journal');
  const { journal } = testJournal(path);
  await t.rejects(journal.append([numberRecord(1)]), { message: /not open/ });
  t.same(await journal.open([numbers()]), { lines: 0, damagedLines: 0, tornBytes: 0, goodBytes: 0, putAside: null });
  await journal.append([numberRecord(1), numberRecord(2)]);
  journal.note([numberRecord(3)]);
  await journal.close();
  await t.rejects(journal.append([numberRecord(4)]), { message: /not open/ });
  t.same(sorted(await replayed(path)), [1, 2, 3]);
  t.equal(statSync(path).mode & 0o777, 0o600);

  const other = testJournal(path);
  await other.journal.open([]);
  await other.journal.close();
  t.same(sorted(await replayed(path)), [1, 2, 3]);
});

t.test('many who wait share a sync', async (t) => {
  const { files, broken } = breakable();
  const { journal } = testJournal(join(t.testdir(), 'journal'), files);
  await journal.open([numbers()]);
  await Promise.all(range(0, 100).map((n) => journal.append([numberRecord(n)])));
  t.ok(broken.syncs <= 3, `${broken.syncs} syncs`);
  await journal.close();
});

t.test('a tail that a crash cut short is cut off, wherever it was cut', async (t) => {
  const path = join(t.testdir(), 'journal');
  const { journal } = testJournal(path);
  await journal.open([numbers()]);
  await journal.append([numberRecord(1)]);
  const good = journal.bytes();
  await journal.append([numberRecord(2), numberRecord(3)]);
  await journal.close();
  const whole = readFileSync(path);
  for (const end of range(good, whole.length)) {
    writeFileSync(path, whole.subarray(0, end));
    const again = testJournal(path).journal;
    const memory = numbers();
    const found = await again.open([memory]);
    if (memory.all.size !== 1 || found.tornBytes !== end - good || found.putAside !== null) t.fail(`cut at ${end}`);
    await again.append([numberRecord(4)]);
    await again.close();
    if (sorted(await replayed(path)).join() !== '1,4') t.fail(`cut at ${end}: not what was appended afterwards`);
  }
  t.pass(`${whole.length - good} places`);
});

t.test('a damaged line in the middle: all others are kept, and the file as it was is put aside', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'journal');
  const { journal } = testJournal(path);
  await journal.open([numbers()]);
  for (const n of range(0, 10)) await journal.append([numberRecord(n)]);
  await journal.close();
  const lines = readFileSync(path, 'utf8').split('\n');
  lines[4] = (lines[4] ?? '').replace('"n":4', '"n":5');
  writeFileSync(path, `${lines.join('\n')}torn`);
  const damaged = readFileSync(path);

  const memory = numbers();
  t.match(replayJournal(hostFiles(), sha256, path, [numbers()]), { lines: 9, damagedLines: 1, tornBytes: 4 });
  t.ok(readFileSync(path).equals(damaged), 'a look changes nothing');
  const again = testJournal(path).journal;
  const found = await again.open([memory]);
  t.match(found, { damagedLines: 1, putAside: `${path}.damaged-1` });
  t.same(sorted(memory.all), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
  t.ok(readFileSync(`${path}.damaged-1`).equals(damaged));
  await again.append([numberRecord(10)]);
  await again.close();
  t.same(sorted(await replayed(path)), [0, 1, 2, 3, 5, 6, 7, 8, 9, 10]);
  writeFileSync(path, damaged);
  t.equal((await testJournal(path).journal.open([numbers()])).putAside, `${path}.damaged-2`);
});

t.test('random bytes anywhere never stop a start, and what a line says is the truth or not there', async (t) => {
  const dir = t.testdir();
  const cases = { n: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 4 }), async (hits) => {
      cases.n += 1;
      const path = join(dir, `journal-${cases.n}`);
      const { journal } = testJournal(path);
      await journal.open([numbers()]);
      for (const n of range(0, 8)) await journal.append([numberRecord(n)]);
      await journal.close();
      const bytes = readFileSync(path);
      for (const [at, value] of hits) bytes[at % bytes.length] = value;
      writeFileSync(path, bytes);
      const kept = sorted(await replayed(path));
      return kept.length >= 8 - 2 * hits.length && kept.every((n) => n < 8);
    }),
    { numRuns: 40 },
  );
});

t.test('written anew under concurrent appends, nothing is lost and it stays small', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'journal');
  const { journal, trouble, lost } = testJournal(path);
  await journal.open([numbers()]);
  const pad = 'x'.repeat(20_000);
  const writer = async (first: number) => {
    for (const n of range(first, first + 50)) await journal.append([numberRecord(n, pad)]);
  };
  await Promise.all(range(0, 6).map((n) => writer(n * 50)));
  t.ok(journal.bytes() < 2 * 1024 * 1024, `${journal.bytes()} bytes of ${300 * pad.length}`);
  await journal.close();
  t.same(sorted(await replayed(path)), range(0, 300));
  t.same(readdirSync(dir), ['journal']);
  t.same([trouble, lost], [[], []]);
});

t.test('what is appended while the journal is being written anew is in the new one', async (t) => {
  const path = join(t.testdir(), 'journal');
  const { files, broken } = breakable();
  const { journal } = testJournal(path, files);
  await journal.open([numbers()]);
  const late: Promise<void>[] = [];
  broken.amid = () => {
    if (late.length < 3) late.push(journal.append([numberRecord(10 + late.length)]));
  };
  await journal.append([numberRecord(1, 'x'.repeat(1024 * 1024))]);
  await journal.append([numberRecord(2)]);
  t.equal(late.length, 3);
  await Promise.all(late);
  t.ok(journal.bytes() < 1000);
  t.same(sorted(await replayed(path)), [1, 2, 10, 11, 12]);
  await journal.close();
});

t.test(
  'killed before every single system call: what an append resolved for is there, both or neither of it',
  async (t) => {
    const dir = t.testdir();
    const child = join(dir, 'child.mjs');
    const entry = join(import.meta.dirname, '..', 'fixtures', 'journal-child.ts');
    await build({
      entryPoints: [entry],
      outfile: child,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    const run = async (killAt: number): Promise<boolean> => {
      const home = join(dir, `kill-${killAt}`);
      mkdirSync(home);
      const path = join(home, 'journal');
      const said = await new Promise<string>((resolve) => {
        execFile(process.execPath, [child, path, String(killAt)], (_error, stdout) => resolve(stdout));
      });
      const found = existsSync(path) ? await replayed(path) : new Set<number>();
      for (const n of said.replace('end', '').split(' ').filter(Boolean).map(Number)) {
        if (!found.has(n)) t.fail(`killed at call ${killAt}: ${n} was acknowledged and is gone`);
      }
      for (const n of found) if (!found.has(n ^ 1)) t.fail(`killed at call ${killAt}: ${n} without ${n ^ 1}`);
      return said.endsWith('end');
    };
    let calls = 1;
    for (let ended = false; !ended; calls += 4) {
      ended = (await Promise.all(range(calls, calls + 4).map(run))).some(Boolean);
    }
    t.ok(calls > 24, `${calls} calls`);
  },
);

t.test('a full disk: the append is refused, nothing of it stays, and it heals', async (t) => {
  const path = join(t.testdir(), 'journal');
  const { files, broken } = breakable();
  const { journal } = testJournal(path, files);
  const memory = numbers();
  await journal.open([memory]);
  await journal.append([numberRecord(1)]);
  broken.writeAfter = 5;
  await t.rejects(journal.append([numberRecord(2)]), { code: 'disk-full' });
  t.throws(() => journal.note([numberRecord(2)]), { code: 'disk-full' });
  t.notOk(memory.all.has(2), 'what is not written is not remembered either');
  broken.truncate = true;
  await t.rejects(journal.append([numberRecord(3)]), { code: 'disk-full' }, 'not even the half line can be cut off');
  broken.writeAfter = Number.POSITIVE_INFINITY;
  await t.rejects(journal.append([numberRecord(4)]), { code: 'disk-full' }, 'no line goes behind half a line');
  broken.truncate = false;
  await journal.append([numberRecord(5)]);
  await journal.close();
  t.same(sorted(await replayed(path)), [1, 5]);
});

t.test(
  'a copy that finds no room is given up and removed; the old journal goes on, and it is tried again',
  async (t) => {
    const dir = t.testdir();
    const path = join(dir, 'journal');
    const { files, broken } = breakable();
    const { journal, trouble } = testJournal(path, files);
    await journal.open([numbers()]);
    const pad = 'x'.repeat(1024 * 1024);
    broken.copies = true;
    await journal.append([numberRecord(1, pad)]);
    await journal.append([numberRecord(2)]);
    t.match(trouble, [{ code: 'disk-full' }]);
    t.same(readdirSync(dir), ['journal']);
    broken.copies = false;
    await journal.append([numberRecord(3)]);
    t.ok(journal.bytes() > pad.length, 'not at once again');
    await journal.append([numberRecord(4, pad)]);
    await journal.append([numberRecord(5)]);
    t.ok(journal.bytes() < 1000, 'but when it has doubled');
    await journal.close();
    t.same(sorted(await replayed(path)), [1, 2, 3, 4, 5]);
  },
);

t.test('a sync that failed is told once, and nothing is taken any more', async (t) => {
  const { files, broken } = breakable();
  const { journal, lost } = testJournal(join(t.testdir(), 'journal'), files);
  await journal.open([numbers()]);
  broken.sync = true;
  const all = await Promise.allSettled(range(0, 5).map((n) => journal.append([numberRecord(n)])));
  t.ok(all.every(({ status }) => status === 'rejected'));
  broken.sync = false;
  await t.rejects(journal.append([numberRecord(9)]), { message: /only a restart/ }, 'a later success proves nothing');
  t.equal(lost.length, 1);
});

t.test('a directory that cannot be synced after the journal was written anew is the same', async (t) => {
  const path = join(t.testdir(), 'journal');
  const { files, broken } = breakable();
  const { journal, lost, trouble } = testJournal(path, files);
  await journal.open([numbers()]);
  await journal.append([numberRecord(1, 'x'.repeat(1024 * 1024))]);
  broken.syncDir = true;
  const late = journal.append([numberRecord(2)]);
  await t.rejects(late, { message: /only a restart/ });
  t.equal(lost.length, 1);
  t.same(trouble, []);
});
