import t from 'tap';
import { lineFor, readArgs, readingWidth, remedies } from '../../agent/cli/command.ts';
import { SaidError } from '../../agent/values/errors.ts';

const OPTIONS = { json: { type: 'boolean', default: false }, settings: { type: 'string' } } as const;
const ONE = { min: 1, max: 1, names: 'one NAME' } as const;

t.test('reads options and names in any order', async (t) => {
  const { values, positionals } = readArgs('locks', ['aim', '--json', '--settings', '/x'], OPTIONS, ONE);
  t.match(values, { json: true, settings: '/x' });
  t.strictSame(positionals, ['aim']);
});

t.test('a wrong one is a usage error that points to the help', async (t) => {
  for (const argv of [[], ['a', 'b'], ['a', '--nonsense'], ['a', '--settings'], ['a', '--json=yes']]) {
    try {
      readArgs('locks', argv, OPTIONS, ONE);
      t.fail(`took ${argv.join(' ')}`);
    } catch (error) {
      if (!(error instanceof SaidError)) throw error;
      t.equal(error.exit, 2);
      t.match(error.message, /^locks: [^\n]+$/, error.message);
      t.equal(error.remedy, 'locksmith locks --help');
    }
  }
});

t.test('a command without names takes none', async (t) => {
  t.throws(() => readArgs('run', ['x'], OPTIONS, { min: 0, max: 0, names: '' }), {
    message: /takes no arguments, got 1/,
  });
});

t.test('a text for reading is set as wide as the terminal, within what the eye can follow', async (t) => {
  const terminal = { out: () => {}, err: () => {}, live: false, colour: false, env: {} };
  for (const [columns, width] of [
    [null, 80],
    [20, 40],
    [72, 72],
    [240, 100],
  ] as const)
    t.equal(readingWidth({ ...terminal, columns }), width, String(columns));
});

t.test('a line is folded, and a remedy said once, only where somebody reads', async (t) => {
  const wide = { out: () => {}, err: () => {}, live: false, colour: false, columns: 60, env: {} };
  const line = `${'word '.repeat(14)}end`;
  t.equal(lineFor(wide, line).split('\n').length, 2);
  t.equal(lineFor({ ...wide, columns: null }, line), line);
  t.equal(lineFor({ ...wide, columns: 20 }, line), line);
  const remedy = remedies(wide);
  t.match(remedy('schema', 'aim'), /^ {8}try: Correct the place/);
  t.equal(remedy('schema', 'aim'), '', 'once');
  t.equal(remedy(undefined, null), '');
  t.equal(remedy('no code of ours', null), '');
  t.equal(remedies({ ...wide, columns: null })('schema', 'aim'), '', 'not in a pipe');
});
