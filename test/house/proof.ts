import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const ROOT = join(import.meta.dirname, '..', '..');

/** What an expression comes to where the script's own names are known. */
function inScript(expression: string): unknown {
  const code = `import * as it from './scripts/proof-row.mjs'; console.log(JSON.stringify(${expression}))`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: ROOT, encoding: 'utf8' }),
  );
}
const commandOf = (...of: readonly unknown[]) => `${inScript(`it.commandOf(...${JSON.stringify(of)})`)}`;
const rowOf = (row: object) => `${inScript(`it.rowOf(${JSON.stringify(row)})`)}`;

/** Variables that are read on the way to a figure and change nothing of it. */
const MUTE = [
  // Each row has it by itself, or it is set for all of them.
  ...['SEED', 'PROOF', 'CI'],
  // Where programs and ports are.
  ...['PATH', 'BESIDE_PORT', 'XDG_CACHE_HOME', 'LOCKSMITH_OWN_NETWORK'],
];

t.test('a row is repeated by its command', async (t) => {
  const env = { TMPDIR: '/dev/shm', SCALE: '100,500', HOME: '/root' };
  t.equal(commandOf('scale', env, '7'), 'SCALE=100,500 TMPDIR=/dev/shm SEED=7 ./scripts/proof scale');
  t.equal(commandOf('sweep', {}, '7'), 'SEED=7 ./scripts/proof sweep');
  const some = commandOf('sweep', { SWEEP_PATHS: "^one|it's" }, '7');
  t.equal(some, `SWEEP_PATHS='^one|it'\\''s' SEED=7 ./scripts/proof sweep`);
  const row = rowOf({ figure: 'sweep-paths', amount: '2 paths', date: '2026-01-01', machine: 'M', command: some });
  t.equal(row.replaceAll('\\|', '').split('|').length, 7, 'a bar in the command is none of the table');
});

t.test('every variable that is read on the way to a figure is in the row, or known to change nothing', async (t) => {
  const files = ['test/crash', 'test/fixtures', 'bench', 'scripts/model', 'scripts/proof'].flatMap((place) =>
    /^(test|bench)/.test(place)
      ? readdirSync(join(ROOT, place), { withFileTypes: true, recursive: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
      : [join(ROOT, place)],
  );
  const read = new Set(
    files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/process\.env\.([A-Z_]+)|\$\{([A-Z][A-Z_]+):-/g)].map(
        ([, one, other]) => one ?? other ?? '',
      ),
    ),
  );
  t.ok(read.has('SCALE'));
  const telling = new Set([inScript('it.TELLING')].flat());
  t.same(
    [...read].filter((name) => !telling.has(name) && !MUTE.includes(name)),
    [],
  );
});
