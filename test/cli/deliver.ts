import t from 'tap';
import { sayAnswer } from '../../agent/cli/deliver.ts';

t.test('an answer as a person reads it', async (t) => {
  const answer = {
    device: 'd1',
    state: 'refused',
    closed: true,
    good: false,
    code: 'schema',
    reason: '/hold must be number',
  };
  t.equal(sayAnswer(answer), 'd1               refused: /hold must be number (schema)');
  t.equal(sayAnswer({ ...answer, state: 'applied', code: null, reason: null }), 'd1               applied');
  const hot = {
    ...answer,
    state: 'waiting',
    code: 'lock-mismatch',
    reason: 'lock mismatch: aim.conf HOT (held by sleep)',
  };
  t.equal(
    sayAnswer(hot),
    'd1               waiting: lock mismatch: aim.conf HOT (held by sleep)',
    'the code is not said twice',
  );
});
