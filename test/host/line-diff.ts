import fc from 'fast-check';
import t from 'tap';
import { lineHunks } from '../../agent/host/line-diff.ts';
import type { Hunk } from '../../agent/values/hunks.ts';

/** Plays hunks on the lines of a text, as other programs do. */
function played(before: string, hunks: readonly Hunk[]): string {
  const lines = before.split(/(?<=\n)/).filter((line) => line !== '');
  const out: string[] = [];
  let at = 0;
  for (const { oldStart, oldLines, lines: changed } of hunks) {
    out.push(...lines.slice(at, oldStart - 1));
    at = oldStart - 1 + oldLines;
    for (const [index, line] of changed.entries()) {
      const end = changed[index + 1]?.startsWith('\\') === true ? '' : '\n';
      if (line.startsWith('+') || line.startsWith(' ')) out.push(`${line.slice(1)}${end}`);
    }
  }
  return [...out, ...lines.slice(at)].join('');
}

t.test('played on the one text they give the other', async () => {
  const text = fc
    .array(fc.constantFrom('a\n', 'b\n', '\n', 'c\r\n', 'd'), { maxLength: 30 })
    .map((some) => some.join(''));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const hunks = lineHunks(before, after);
      return hunks !== null && played(before, hunks) === after && (before !== after || hunks.length === 0);
    }),
    { numRuns: 500 },
  );
});

t.test('texts that have nothing in common are given up on', async (t) => {
  const lines = (word: string) => Array.from({ length: 3_000 }, (_, n) => `${word} ${n}\n`).join('');
  t.equal(lineHunks(lines('old'), lines('new')), null);
  t.equal(lineHunks(lines('old'), `${lines('old')}one more\n`)?.length, 1);
});
