import t from 'tap';
import { parseYaml } from '../../agent/host/yaml.ts';

function faultsOf(text: string): string[] {
  const parsed = parseYaml(text);
  return parsed.kind === 'yaml' ? [] : parsed.faults.map(({ line, column, why }) => `${line}:${column}: ${why}`);
}

t.test('values and their places', async (t) => {
  const parsed = parseYaml('# first\na: { b: [1, two] }\nc:\n  - d: x\n');
  if (parsed.kind !== 'yaml') throw new Error('not parsed');
  t.same(parsed.value, { a: { b: [1, 'two'] }, c: [{ d: 'x' }] });
  t.same(parsed.placeOf([]), { line: 2, column: 1 });
  t.same(parsed.placeOf(['a', 'b', 1]), { line: 2, column: 13 });
  t.same(parsed.placeOfKey(['a', 'b']), { line: 2, column: 6 });
  t.same(parsed.placeOf(['c', 0, 'd']), { line: 4, column: 8 });
  t.same(parsed.placeOf(['c', 0, 'missing']), { line: 4, column: 5 }, 'the deepest part that exists');
});

t.test('the content behind an alias is found where it stands', async (t) => {
  const parsed = parseYaml('a: &here { b: 1 }\nc: *here\n');
  if (parsed.kind !== 'yaml') throw new Error('not parsed');
  t.same(parsed.value, { a: { b: 1 }, c: { b: 1 } });
  t.same(parsed.placeOf(['c', 'b']), { line: 1, column: 15 });
});

t.test('what is refused', async (t) => {
  t.same(faultsOf('a: 1\na: 2\n'), ['2:1: this key is there twice']);
  t.same(faultsOf('a: 1\n---\nb: 2\n'), ['2:1: there is a second document (`---`) in the file']);
  t.same(faultsOf('a: !thing 1\n'), ['1:4: tags (`!name`) are not taken']);
  t.match(faultsOf('a: [1\nb: 2\n')[0], /^2:1: /);
  t.match(faultsOf('a: *nothing\n')[0], /nothing/);
  t.match(faultsOf(`a: ${'['.repeat(100_000)}`)[0], /nested too deeply/);
});

t.test('an alias of nothing is a fault at its place', async (t) => {
  t.same(faultsOf('a: &a 1\nlog: { b: *a, level: *x }\n'), [
    '2:22: `*x` stands for nothing: there is no `&x` before it',
  ]);
});

t.test('a bomb of aliases does not go off', async (t) => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++) bomb.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(', ')}]`);
  t.match(faultsOf(bomb.join('\n'))[0], /multiply too often/);
});

t.test('__proto__ is a key like any other', async (t) => {
  const parsed = parseYaml('__proto__: { x: 1 }\n');
  if (parsed.kind !== 'yaml') throw new Error('not parsed');
  t.same(Object.keys(parsed.value ?? {}), ['__proto__']);
});
