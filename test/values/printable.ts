import t from 'tap';
import { printable } from '../../agent/values/printable.ts';

t.test('nothing but printable characters, and not too many', async (t) => {
  t.equal(printable('plain text', 20), 'plain text');
  t.equal(printable('a\nb\u001b[0m\u009bé', 20), 'a?b?[0m??');
  t.equal(printable('abcdef', 3), 'abc…');
});
