import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const TALLY = join(import.meta.dirname, '..', '..', 'scripts', 'tally.mjs');

/** What the tally makes of parts: each a name, and a shell command to run. */
function sumOf(file: string, parts: Readonly<Record<string, string>>) {
  for (const [name, command] of Object.entries(parts)) {
    const plain = name.startsWith('plain') ? ['--plain'] : [];
    const env = { ...process.env, TALLY_LIMIT_S: '5' };
    spawnSync(process.execPath, [TALLY, file, name, ...plain, '--', 'sh', '-c', command], { env });
  }
  const { status, stdout } = spawnSync(process.execPath, [TALLY, file, '--sum'], { encoding: 'utf8' });
  return { status, last: stdout.trim().split('\n').at(-1) };
}

const NESTED = `cat <<'END'
TAP version 13
# Subtest: test/a.ts
    # Subtest: inner
        ok 1 - x
        not ok 2 - y
          ---
          diff: |
            not ok 7 - only quoted
          ...
        ok 3 - z # SKIP no reason
        1..3
    not ok 1 - inner
    1..1
not ok 1 - test/a.ts
1..1
END
exit 1`;

t.test('points of all depths are counted once, over all parts', async (t) => {
  const parts = { nested: NESTED, flat: "printf 'ok 1 - a\\nok 2 - b\\n1..2\\n'", plain: 'true' };
  t.strictSame(sumOf(join(t.testdir(), 'tally'), parts), { status: 1, last: '4 passed, 1 failed, 1 skipped' });
});

t.test('all well', async (t) => {
  t.strictSame(sumOf(join(t.testdir(), 'tally'), { flat: "printf 'ok 1 - a\\n1..1\\n'", plain: 'true' }), {
    status: 0,
    last: '2 passed, 0 failed, 0 skipped',
  });
});

const BAD = {
  'dies before it says anything': 'exit 3',
  'says nothing and ends well': 'true',
  'is killed after good points': "printf 'ok 1 - a\\n'; kill -9 $$",
  'fails after good points only': "printf 'ok 1 - a\\n1..1\\n'; exit 1",
  'has a file that ends badly between good points': "printf '    ok 1 - a\\nnot ok 1 - file\\n1..1\\n'; exit 1",
  plain: 'false',
  hangs: 'sleep 60',
};
for (const [name, command] of Object.entries(BAD)) {
  t.test(`a part that ${name} has failed`, async (t) => {
    const { status, last } = sumOf(join(t.testdir(), 'tally'), { [name]: command });
    t.equal(status, 1);
    t.match(last, /, 1 failed, /);
  });
}

t.test('no parts at all are a failure', async (t) => {
  t.strictSame(sumOf(join(t.testdir(), 'tally'), {}), { status: 1, last: '0 passed, 1 failed, 0 skipped' });
});

/** A command that looks like tap: its first run fails in one file, a later one, given only that file, ends as told. */
function flaky(dir: string, second: string): string {
  const first =
    "printf '    not ok 1 - the broker was late\\nnot ok 1 - test/line/a.ts\\n    ok 1 - b\\nok 2 - test/line/b.ts\\n1..2\\n'";
  writeFileSync(
    join(dir, 'tap'),
    `#!/bin/sh
echo "$*" >> ${join(dir, 'calls')}
if [ "$(wc -l < ${join(dir, 'calls')})" = 1 ]; then ${first}; exit 1; fi
${second}
`,
    { mode: 0o755 },
  );
  return join(dir, 'tap');
}

function run(dir: string, command: string, env: NodeJS.ProcessEnv = {}) {
  const all = { ...process.env, TALLY_LIMIT_S: '5', ...env };
  const args = [TALLY, join(dir, 'tally'), 'line', '--', command, '--reporter=tap', 'test/line/a.ts', 'test/line/b.ts'];
  spawnSync(process.execPath, args, { env: all });
  const { stdout, status } = spawnSync(process.execPath, [TALLY, join(dir, 'tally'), '--sum'], { encoding: 'utf8' });
  return { stdout, status, calls: readFileSync(join(dir, 'calls'), 'utf8') };
}

t.test('a file that failed runs once more on its own, and the sum says so', async (t) => {
  const dir = t.testdir();
  const ran = run(dir, flaky(dir, "printf '    ok 1 - in time\\nok 1 - test/line/a.ts\\n1..1\\n'"));
  t.equal(ran.calls, '--reporter=tap test/line/a.ts test/line/b.ts\n--reporter=tap --jobs=1 test/line/a.ts\n');
  t.equal(ran.status, 0);
  t.match(ran.stdout, /not ok 1 - the broker was late/, 'what failed at first is shown');
  t.match(ran.stdout, /^AGAIN {2}line: test\/line\/a\.ts failed at first/m);
  t.match(ran.stdout, /\n2 passed, 0 failed, 0 skipped\n$/);
});

t.test('what fails twice has failed', async (t) => {
  const dir = t.testdir();
  const ran = run(dir, flaky(dir, "printf '    not ok 1 - late\\nnot ok 1 - test/line/a.ts\\n1..1\\n'; exit 1"));
  t.equal(ran.status, 1);
  t.match(ran.stdout, /\n1 passed, 1 failed, 0 skipped\n$/);
});

t.test('a proof has no second run', async (t) => {
  const dir = t.testdir();
  const ran = run(dir, flaky(dir, 'exit 9'), { TALLY_AGAIN: 'never' });
  t.equal(ran.calls.split('\n').length, 2);
  t.match(ran.stdout, /\n1 passed, 1 failed, 0 skipped\n$/);
});
