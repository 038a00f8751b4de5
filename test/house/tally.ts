import { spawnSync } from 'node:child_process';
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
