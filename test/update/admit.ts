import t from 'tap';
import { admit, checkExpectation, hotRefusal } from '../../agent/update/admit.ts';
import { VERDICTS } from '../../agent/values/lock.ts';
import { COLD, HOT } from '../fixtures/update.ts';

const input = { file: 'aim.conf', lockWords: 'held by gimbal, pid 42' } as const;
const [ours, theirs] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];

t.test('every lock and both answers to HOT', async (t) => {
  for (const onHot of ['wait', 'refuse'] as const) {
    t.same(admit({ ...input, onHot, lock: COLD }), { kind: 'admitted' });
    for (const verdict of VERDICTS) {
      const refusal = hotRefusal({ ...input, onHot, lock: { ...HOT, verdict } });
      t.same(refusal, {
        kind: 'refusal',
        code: 'lock-mismatch',
        mismatch: 'hot',
        reason: 'lock mismatch: aim.conf HOT (held by gimbal, pid 42)',
        final: onHot === 'refuse',
      });
      const answer = admit({ ...input, onHot, lock: { ...HOT, verdict } });
      t.same(answer, onHot === 'refuse' ? refusal : { kind: 'waits', waitingFor: ['lock'], refusal }, verdict);
    }
  }
});

t.test('what the sender believed against what is so', async (t) => {
  const now = { digest: ours, token: 5 };
  const check = (expect: Parameters<typeof checkExpectation>[1]) => checkExpectation('aim.conf', expect, now);
  for (const fine of [null, undefined, {}, { digest: ours }, { token: 5 }, { digest: ours, token: 5 }]) {
    t.equal(check(fine), null, JSON.stringify(fine));
  }
  t.match(check({ digest: theirs }), {
    code: 'lock-mismatch',
    mismatch: 'digest',
    final: true,
    reason: `lock mismatch: aim.conf has digest ${ours}, the update expected ${theirs}`,
  });
  for (const token of [4, 6, 0]) {
    t.match(check({ token }), {
      code: 'lock-mismatch',
      mismatch: 'token',
      final: true,
      reason: `lock mismatch: aim.conf has token 5, the update expected ${token}`,
    });
  }
  t.match(check({ digest: theirs, token: 4 }), { mismatch: 'digest' }, 'the digest first');
});
