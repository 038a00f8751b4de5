import t from 'tap';
import { messageOf } from '../../agent/values/thrown.ts';

t.test('whatever was thrown has words', async (t) => {
  t.equal(messageOf(new TypeError('no such thing')), 'no such thing');
  t.equal(messageOf('plain'), 'plain');
  t.equal(messageOf(undefined), 'undefined');
});
