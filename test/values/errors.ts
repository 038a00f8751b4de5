import t from 'tap';
import { CODES, EXIT, Failure, refuse, SaidError } from '../../agent/values/errors.ts';

t.test('every code reads to a person', async (t) => {
  for (const [code, { meaning, cause, remedy }] of Object.entries(CODES)) {
    t.match(code, /^[a-z]+(-[a-z]+)*$/, code);
    for (const sentence of [meaning, cause, remedy]) t.match(sentence, /^[A-Z`].*\.$/, `${code}: ${sentence}`);
  }
});

t.test('a refusal is a value, final unless said otherwise', async (t) => {
  t.strictSame(refuse('expired', 'exp was yesterday'), {
    kind: 'refusal',
    code: 'expired',
    reason: 'exp was yesterday',
    final: true,
  });
});

t.test('errors carry what a caller needs', async (t) => {
  const cause = new Error('below');
  t.match(new Failure('io', 'journal.sync', '/x', 'broken', { retry: false, cause }), {
    name: 'Failure',
    code: 'io',
    op: 'journal.sync',
    path: '/x',
    retry: false,
    cause,
  });
  t.match(new SaidError(EXIT.refused, 'no', 'wait'), { name: 'SaidError', exit: 3, remedy: 'wait', message: 'no' });
});

t.test('exit codes are the documented ones', async (t) => {
  t.strictSame(EXIT, { done: 0, failed: 1, usage: 2, refused: 3, nothing: 4 });
});
