import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { keepTrust, lookForTrust, openKeptTrust } from '../../agent/trust/kept.ts';
import { Failure } from '../../agent/values/errors.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { entry, trustDocument } from '../fixtures/trust.ts';

const files = hostFiles();
const key = opensslKey(t.testdir(), 'r1');
const text = (version: number) => trustDocument({ v: 1, version, keys: [entry(key, 'root')] }, [key]);
const PATHS = ['trust.json', 'trust.copy.json'];

t.test('kept twice, and read back', async (t) => {
  const dir = t.testdir();
  t.same(await openKeptTrust(files, sha256, dir), { kept: null, bad: [] });
  await keepTrust(files, sha256, dir, { text: text(1), seed: 's' });
  t.match(await openKeptTrust(files, sha256, dir), {
    kept: { text: text(1), seed: 's', document: { version: 1 } },
    bad: [],
  });
  t.equal(new Set(PATHS.map((name) => readFileSync(join(dir, name), 'utf8'))).size, 1);
});

t.test('whatever happens to one copy, the other is used, and the bad one is put aside and made anew', async (t) => {
  const damages: Readonly<Record<string, (path: string) => void>> = {
    'cut short': (path) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 200)),
    empty: (path) => writeFileSync(path, ''),
    'a bit turned': (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('"document"', '"documenu"')),
    'of another hand': (path) => {
      const body = JSON.stringify({ seed: 's', document: '{}' });
      writeFileSync(path, `${sha256(body)} ${body}\n`);
    },
    'a directory': (path) => {
      rmSync(path);
      mkdirSync(path);
    },
  };
  for (const name of PATHS) {
    for (const [what, damage] of Object.entries(damages)) {
      const dir = t.testdir({});
      await keepTrust(files, sha256, dir, { text: text(4), seed: 's' });
      damage(join(dir, name));
      t.match(
        lookForTrust(files, sha256, dir),
        { kept: { document: { version: 4 } }, whole: false },
        'a look changes nothing',
      );
      t.notOk(existsSync(join(dir, `${name}.damaged-1`)));
      const opened = await openKeptTrust(files, sha256, dir);
      t.match(
        opened,
        { kept: { document: { version: 4 } }, bad: [{ putAside: join(dir, `${name}.damaged-1`) }] },
        `${name} ${what}`,
      );
      t.ok(existsSync(join(dir, `${name}.damaged-1`)));
      t.match(await openKeptTrust(files, sha256, dir), { kept: { document: { version: 4 } }, bad: [] }, 'whole again');
    }
  }
});

t.test('both bad: there is none; each is kept beside, under a name of its own', async (t) => {
  const dir = t.testdir(Object.fromEntries(PATHS.map((name) => [name, 'junk'])));
  t.match(await openKeptTrust(files, sha256, dir), { kept: null, bad: [{}, {}] });
  writeFileSync(join(dir, 'trust.json'), 'junk again');
  t.match(await openKeptTrust(files, sha256, dir), { bad: [{ putAside: join(dir, 'trust.json.damaged-2') }] });
});

t.test('cut off between the two, the newer one counts', async (t) => {
  for (const newer of PATHS) {
    const dir = t.testdir({});
    await keepTrust(files, sha256, dir, { text: text(1), seed: 's' });
    const old = readFileSync(join(dir, 'trust.json'));
    await keepTrust(files, sha256, dir, { text: text(2), seed: 's' });
    for (const name of PATHS) if (name !== newer) writeFileSync(join(dir, name), old);
    t.match(await openKeptTrust(files, sha256, dir), { kept: { document: { version: 2 } }, bad: [] });
    t.match(lookForTrust(files, sha256, dir), { whole: true });
  }
});

t.test('one that cannot be mended is told, and the other used', async (t) => {
  const dir = t.testdir();
  await keepTrust(files, sha256, dir, { text: text(1), seed: 's' });
  writeFileSync(join(dir, 'trust.json'), 'junk');
  const fail = () => {
    throw new Failure('read-only', 'trust.write', dir, `${dir}: read-only file system`, { retry: true });
  };
  const readOnly = { ...files, rename: fail, writeDurably: async () => fail() };
  t.match(await openKeptTrust(readOnly, sha256, dir), {
    kept: { document: { version: 1 } },
    bad: [
      { putAside: null, why: /is not what was written; .*read-only/ },
      { putAside: null, why: /read-only/ },
    ],
  });
  t.equal(readFileSync(join(dir, 'trust.json'), 'utf8'), 'junk');
});
