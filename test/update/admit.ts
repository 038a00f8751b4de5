import t from 'tap';
import { type AdmitInput, admit, checkExpectation, hotRefusal, unmetLock } from '../../agent/update/admit.ts';
import { VERDICTS } from '../../agent/values/lock.ts';
import { COLD, HOT } from '../fixtures/update.ts';

const OPEN: AdmitInput = {
  ...{ file: 'aim.conf', onHot: 'wait', lock: COLD, lockWords: 'held by gimbal, pid 42' },
  ...{
    vehicle: null,
    halted: null,
    windows: [],
    nowMs: Date.UTC(2026, 0, 5, 12),
    clock: 'ok',
    download: null,
    disk: null,
  },
};
const [ours, theirs] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];
const NIGHT = { cron: '0 2 * * *', minutes: 60, tz: 'UTC' };

t.test('every lock and both answers to HOT', async (t) => {
  for (const onHot of ['wait', 'refuse'] as const) {
    t.same(admit({ ...OPEN, onHot }), { kind: 'admitted' });
    for (const verdict of VERDICTS) {
      const input = { ...OPEN, onHot, lock: { ...HOT, verdict } };
      const refusal = hotRefusal(input);
      t.same(refusal, {
        kind: 'refusal',
        code: 'lock-mismatch',
        mismatch: 'hot',
        reason: 'lock mismatch: aim.conf HOT (held by gimbal, pid 42)',
        final: onHot === 'refuse',
      });
      const waits = { kind: 'waits', unmet: [unmetLock(input)], turnMs: null };
      t.same(admit(input), onHot === 'refuse' ? refusal : waits, verdict);
    }
  }
});

/** Every gate that admission knows, shut. */
const SHUT = {
  lock: { lock: HOT },
  vehicle: { vehicle: { safety: 'unsafe', reason: 'armed' } },
  halt: { halted: 'halted by ops' },
  window: { windows: [NIGHT] },
  clock: { clock: 'untrusted', windows: [NIGHT] },
  disk: { disk: { code: 'disk-full', reason: 'no space' } },
} as const satisfies Record<string, Partial<AdmitInput>>;
const names = ['lock', 'vehicle', 'halt', 'window', 'clock', 'disk'] as const;

t.test('every set of gates: all that are shut are named, and nothing else', async (t) => {
  for (let set = 0; set < 2 ** names.length; set += 1) {
    const shut = names.filter((_, index) => (set & (1 << index)) !== 0);
    const input = Object.assign({}, OPEN, ...shut.map((name) => SHUT[name]));
    // Without a clock that is trusted nobody can tell whether the window is open.
    const expected = shut.filter((name) => name !== 'window' || !shut.includes('clock'));
    const answer = admit(input);
    if (expected.length === 0) t.same(answer, { kind: 'admitted' });
    else if (answer.kind !== 'waits') t.fail(`${shut.join(' ')}: ${answer.kind}`);
    else t.same(new Set(answer.unmet.map(({ gate }) => gate)), new Set(expected), shut.join(' '));
    const strict = admit({ ...input, onHot: 'refuse' });
    t.equal(strict.kind === 'refusal', shut.length === 1 && shut[0] === 'lock', 'refused for the lock alone');
  }
});

t.test('each gate says why, with its code', async (t) => {
  const why = (input: Partial<AdmitInput>) => {
    const answer = admit({ ...OPEN, ...input });
    return answer.kind === 'waits' ? answer.unmet.map(({ code, reason }) => [code, reason]) : answer.kind;
  };
  t.same(why(SHUT.vehicle), [['not-safe', 'the vehicle is not safe: armed']]);
  t.same(why({ vehicle: { safety: 'unknown', reason: 'no heartbeat for 3 s' } }), [
    ['not-safe', 'the vehicle is not known to be safe: no heartbeat for 3 s'],
  ]);
  t.same(why({ vehicle: { safety: 'safe', reason: 'disarmed and landed' } }), 'admitted');
  t.same(why(SHUT.halt), [['halted', 'halted by ops']]);
  t.same(why(SHUT.window), [[null, 'its window opens at 2026-01-06T02:00:00.000Z']]);
  t.match(why(SHUT.clock), [['clock-untrusted', /no window can be told/]]);
  t.same(why({ clock: 'untrusted' }), 'admitted', 'without a window the clock is not asked');
});

t.test('windows: all must be open, and the next turn of any is told', async (t) => {
  const noon = { cron: '0 12 * * *', minutes: 60, tz: 'UTC' };
  t.same(admit({ ...OPEN, windows: [noon] }), { kind: 'admitted' });
  t.match(admit({ ...OPEN, windows: [noon, NIGHT] }), {
    unmet: [{ gate: 'window', reason: /opens at 2026-01-06T02:00/ }],
    turnMs: Date.UTC(2026, 0, 5, 13),
  });
  t.match(admit({ ...OPEN, windows: [noon], lock: HOT }), { turnMs: Date.UTC(2026, 0, 5, 13) }, 'it may shut first');
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
