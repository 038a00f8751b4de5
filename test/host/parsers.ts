import t from 'tap';
import { hostParsers } from '../../agent/host/parsers.ts';

const ini = (text: string) => hostParsers.parse('ini', text);

t.test('ini: sections are objects, values the strings that were written', async (t) => {
  const text =
    '; who\ntop = 1\n[aim]\nrate = 5 ; Hz\non = true\nnone = null\nempty =\nalone\n[deep.er]\nx=1\n[aim]\nlater=2\n';
  t.same(await ini(text), {
    top: '1',
    aim: { rate: '5', on: 'true', none: 'null', empty: '', alone: 'true', later: '2' },
    deep: { er: { x: '1' } },
  });
  t.same(await ini('list[]=a\nlist[]=b\n'), { list: ['a', 'b'] });
  t.same(await ini('a=1\r\nb=2\rc=3'), { a: '1', b: '2', c: '3' });
});

t.test('ini: what would be dropped or overruled in silence is refused, with its line', async (t) => {
  const bad: readonly (readonly [string, string])[] = [
    ['a=1\nb=2\na=3\n', "line 3: 'a' was already given on line 1"],
    ['[s]\na=1\n[t]\na=1\n[s]\na=2\n', "line 6: 'a'"],
    ['[s]\na=1\n["s"]\n"a"=2\n', "line 4: 'a'"],
    ['a=1\rb=2\ra=3', "line 3: 'a'"],
    ['[s] ; why\na=1\n', 'line 1: neither'],
    ['  [s]\na=1\n', 'line 1: neither'],
    ['=1\n', 'line 1: neither'],
    ['s=1\n[s]\na=1\n', "line 2: 's' was already given on line 1"],
    ['[s]\nt=1\n[s.t]\na=1\n', "line 3: 's.t' was already given on line 2"],
    ['[s.t]\na=1\n[s]\nt=1\n', "line 4: 't' was already given on line 1"],
    ['[__proto__]\na=1\n', "'__proto__' is no name"],
    ['__proto__=1\n', "'__proto__' is no name"],
  ];
  for (const [text, why] of bad) await t.rejects(ini(text), { message: new RegExp(why) }, JSON.stringify(text));
});

t.test('json, yaml, toml give the value that is written', async (t) => {
  const value = { a: [1, { b: 'x' }], c: true };
  t.same(await hostParsers.parse('json', '{"a":[1,{"b":"x"}],"c":true}'), value);
  t.same(await hostParsers.parse('yaml', 'a: [1, { b: x }]\nc: true\n'), value);
  t.same(await hostParsers.parse('toml', 'c = true\na = [1, { b = "x" }]\n'), value);
});

t.test('what cannot be read is told by its place, and never repeated: it may be a secret', async (t) => {
  for (const [format, text, message] of [
    ['json', '{"key": hunter2}', /^line 1, column 9$/],
    ['json', '{"a":', /^line 1, column 6$/],
    ['yaml', 'a: 1\na: 2\n', /^line 2, column 1: duplicate key$/],
    ['yaml', 'key: |hunter2\n', /^line 1, column \d+: unexpected token$/],
    ['yaml', 'key: !hunter2 x\n- y', /^line \d+, column \d+: [a-z ]+$/],
    ['yaml', 'key: "\\hunter2"', /^line 1, column \d+: bad dq escape$/],
    ['yaml', 'key: *hunter2', /^Unresolved alias/],
    ['toml', 'a = 1\na = 2\n', /^line 2, column 1: Invalid TOML document: /],
    ['toml', 'key = hunter2', /^line 1, column \d+: Invalid TOML document: /],
  ] as const) {
    const said = await hostParsers.parse(format, text).then(
      () => 'it was read',
      (error: Error) => error.message,
    );
    t.match(said, message, text);
    t.notMatch(said, /hunter2|\n/, text);
  }
});

t.test('a bomb of aliases, and nesting without end, are refused and harm nobody', async (t) => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let n = 1; n < 9; n += 1)
    lines.push(
      `a${n}: &a${n} [${Array(9)
        .fill(`*a${n - 1}`)
        .join(', ')}]`,
    );
  await t.rejects(hostParsers.parse('yaml', lines.join('\n')), { message: /alias/i });
  const deep = (n: number) => '['.repeat(n) + ']'.repeat(n);
  t.ok(await hostParsers.parse('json', deep(100)));
  await t.rejects(hostParsers.parse('json', deep(102)), { message: /nested deeper than 100/ });
  for (const format of ['json', 'yaml', 'toml'] as const) {
    await t.rejects(hostParsers.parse(format, format === 'toml' ? `a = ${deep(20_000)}` : deep(20_000)), format);
  }
  t.equal(Object.getPrototypeOf(await hostParsers.parse('json', '{"__proto__":{"x":1}}')), Object.prototype);
});
