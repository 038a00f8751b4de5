import t from 'tap';
import { CODES } from '../../agent/values/errors.ts';
import { remedyOf } from '../../agent/values/remedy.ts';

t.test('from THE table, for the config at hand', async (t) => {
  t.equal(remedyOf('schema', 'aim'), CODES.schema.remedy);
  t.match(remedyOf('lock-mismatch', 'aim'), '`locksmith locks aim`');
  t.match(remedyOf('lock-mismatch', null), '`locksmith locks NAME`');
  t.equal(remedyOf('toString', null), null);
});
