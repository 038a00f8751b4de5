import t from 'tap';
import { whileSame } from '../../agent/values/while-same.ts';

t.test('made once for the same parts, anew for another, or for more', async (t) => {
  const held: { parts: readonly unknown[] } = { parts: [] };
  let made = 0;
  const value = whileSame(
    () => held.parts,
    (parts) => {
      made += 1;
      return { parts };
    },
  );
  const [a, b] = [{}, {}];
  const before = value();
  for (const parts of [
    [a, Number.NaN],
    [a, Number.NaN],
  ])
    held.parts = parts;
  t.not(value(), before);
  const first = value();
  held.parts = [a, Number.NaN];
  t.equal(value(), first, 'another list of the same');
  t.equal(made, 2);
  for (const parts of [
    [b, Number.NaN],
    [b, 1],
    [b, 1, null],
    [b, 1],
  ]) {
    held.parts = parts;
    t.same(value(), { parts });
  }
  t.equal(made, 6);
});
