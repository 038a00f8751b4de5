import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { fold, foldHelp, labelled, paint } from '../../agent/values/layout.ts';

t.test('folds between words', async (t) => {
  t.equal(fold('one two three', 7), 'one two\nthree');
  t.equal(fold('one two three', 8, '  '), 'one two\n  three');
  t.equal(fold('  one two', 5, '    '), '  one\n    two', 'the first line keeps its own place');
  t.equal(fold('/a/very/long/path to', 5), '/a/very/long/path\nto');
  t.equal(fold('a b\nc d', 4, ' '), 'a b\n c d');
  t.equal(fold('a\nbb cc dd', 6, '  '), 'a\n  bb\n  cc\n  dd', 'a further line has its hang in its width');
  t.equal(fold('', 5), '');
});

t.test('never wider than asked for, and nothing is lost', async () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }), fc.nat(30), (words, more) => {
      const folded = fold(words.join(' '), 16 + more, '    ');
      return (
        folded.split('\n').every((line) => line.length <= 16 + more) &&
        isDeepStrictEqual(folded.trim().split(/\s+/), words)
      );
    }),
  );
});

t.test('a help text: prose flows, an option keeps its column, an example stays whole', async (t) => {
  const help = [
    ...['Usage: locksmith x NAME [--much] [--more]', '       locksmith x --far', '', 'It does one thing and then the'],
    ...[
      'other. And a third.',
      '  --much   takes its time until the end',
      '           of all',
      'Exit code: 0 it is done',
    ],
    ...['', 'Example: locksmith x aim --much --more --than --fits', ''],
  ].join('\n');
  t.equal(
    foldHelp(help, 30),
    `Usage: locksmith x NAME
       [--much] [--more]
       locksmith x --far

It does one thing and then the
other. And a third.
  --much   takes its time
           until the end
           of all
Exit code: 0 it is done

Example: locksmith x aim --much --more --than --fits
`,
  );
  t.equal(foldHelp(help, 200).split('\n')[3], 'It does one thing and then the other. And a third.');
});

t.test('under a label', async (t) => {
  t.equal(labelled('link', 'connected and subscribed', 22), 'link     connected and\n         subscribed');
  t.equal(labelled('quite-a-label', 'x', 40), 'quite-a-label x');
});

t.test('colour only where it may be', async (t) => {
  t.equal(paint(true, 'red', 'HOT'), '\u001b[31mHOT\u001b[0m');
  t.equal(paint(false, 'red', 'HOT'), 'HOT');
});
