import fc from 'fast-check';
import t from 'tap';
import { sayJsonFault } from '../../agent/values/json-fault.ts';

t.test('where it stops being JSON', async (t) => {
  for (const [text, place] of [
    ['', 'line 1, column 1'],
    ['{"key": hunter2}', 'line 1, column 9'],
    ['{\n  "a": 1,\n  "b": secret\n}', 'line 3, column 8'],
    ['{"a" 1}', 'line 1, column 6'],
    ['{"a":1,}', 'line 1, column 8'],
    ['[1,]', 'line 1, column 4'],
    ['[1 2]', 'line 1, column 4'],
    ['[1}', 'line 1, column 3'],
    ['[,1]', 'line 1, column 2'],
    ['[:1]', 'line 1, column 2'],
    ['{1:2}', 'line 1, column 2'],
    ['{"a":}', 'line 1, column 6'],
    ['"abc', 'line 1, column 1'],
    ['"\t"', 'line 1, column 1'],
    ['{"a":1} x', 'line 1, column 9'],
    ['01', 'line 1, column 2'],
    ['{"a":[1,2', 'line 1, column 10'],
    ['\u00a01', 'line 1, column 1'],
  ] as const) {
    t.throws(() => JSON.parse(text), text);
    t.equal(sayJsonFault(text), place, text);
  }
});

t.test(
  'nothing is found before the end of what is JSON, and always before the end of what has one sign too many',
  async () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, where) => {
        const end = `line 1, column ${text.length + 1}`;
        const at = where % (text.length + 1);
        const broken = `${text.slice(0, at)}\u0001${text.slice(at)}`;
        const column = Number(/column (\d+)/.exec(sayJsonFault(broken))?.[1]);
        return sayJsonFault(text) === end && column <= at + 1;
      }),
    );
  },
);

t.test('a text as large as a document can be, and nesting without end', async (t) => {
  const long = 'x'.repeat(1_000_000);
  t.equal(sayJsonFault(`"${long}\\n${long}" x`), 'line 1, column 2000006');
  t.equal(sayJsonFault('['.repeat(100_000)), 'line 1, column 100001');
});
