import t from 'tap';
import { hunkHead } from '../../agent/values/hunks.ts';

t.test('the head of a stretch, as diff -u writes it', async (t) => {
  const head = (oldStart: number, oldLines: number, newStart: number, newLines: number) =>
    hunkHead({ oldStart, oldLines, newStart, newLines, lines: [] });
  t.equal(head(4, 7, 4, 8), '@@ -4,7 +4,8 @@');
  t.equal(head(3, 1, 3, 1), '@@ -3 +3 @@', 'one line is not counted');
  t.equal(head(1, 0, 1, 2), '@@ -0,0 +1,2 @@', 'none stand after the line before');
  t.equal(head(5, 2, 5, 0), '@@ -5,2 +4,0 @@');
});
