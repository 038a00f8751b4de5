import t from 'tap';
import { aboutCommand, carryOut, type Hands, type ReleaseWish, refusedEvent } from '../../agent/command/carry.ts';
import type { RefreshCommand, ReleaseCommand } from '../../agent/values/command.ts';
import { Failure, refuse } from '../../agent/values/errors.ts';

const BASE = { v: 1, id: 'c-1', aud: 'dev/drone-7', iat: 1000, exp: 1060 } as const;
const RELEASE: ReleaseCommand = { ...BASE, cmd: 'release', config: 'aim', token: 17, reason: 'its holder is gone' };
const REFRESH: RefreshCommand = { ...BASE, cmd: 'refresh' };
const SAID = { command: 'c-1', cmd: 'release', config: 'aim' };
const released = { kind: 'released', oldToken: 17, newToken: 18, changed: true, ended: [] } as const;

function hands(release: Hands['release'], refresh: Hands['refresh'] = () => {}): Hands {
  return { release, refresh, confirm: () => null, rollBack: async () => null };
}

t.test('a release is carried out as it was signed, and answered with who, why and both tokens', async (t) => {
  const wishes: [string, ReleaseWish][] = [];
  const record = hands(async (config, wish) => {
    wishes.push([config, wish]);
    return released;
  });
  t.strictSame(await carryOut(RELEASE, 'ops-1', record), {
    ...{ event: 'released', ...SAID, reason: 'its holder is gone', who: 'ops-1' },
    ...{ old_token: 17, token: 18, changed: true, final: true },
  });
  await carryOut({ ...RELEASE, end_holder: true, holder: { pid: 7, start: 9 } }, 'ops-1', record);
  const plain = { token: 17, holder: null, endHolder: false, reason: 'its holder is gone', who: 'ops-1' };
  t.strictSame(wishes, [
    ['aim', plain],
    ['aim', { ...plain, holder: { pid: 7, start: 9 }, endHolder: true }],
  ]);
  const ending = hands(async () => ({ ...released, ended: ['ended pid 7 sleep'] }));
  t.match(await carryOut(RELEASE, 'ops-1', ending), { reason: 'its holder is gone (ended pid 7 sleep)' });
});

t.test('a release that is refused says how it does not fit', async (t) => {
  const refusal = { ...refuse('lock-mismatch', 'lock mismatch: token 18, signed for 17'), mismatch: 'token' } as const;
  t.strictSame(
    await carryOut(
      RELEASE,
      'ops-1',
      hands(async () => refusal),
    ),
    {
      ...{ event: 'refused', ...SAID, code: 'lock-mismatch', reason: refusal.reason, final: true },
      ...{ mismatch: 'token', who: 'ops-1' },
    },
  );
  const none = await carryOut(RELEASE, 'ops-1', hands(null));
  t.match(none, { event: 'refused', ...SAID, code: 'not-supported' });
});

t.test('the world fails, with its code; our own bugs go on up', async (t) => {
  const broken = hands(async () => {
    throw new Failure('read-only', 'lock.record', '/run', 'the file system is read-only', { retry: false });
  });
  t.match(await carryOut(RELEASE, 'ops-1', broken), {
    ...{ event: 'failed', ...SAID, code: 'read-only', reason: 'the file system is read-only', final: true },
  });
  const bug = hands(async () => {
    throw new TypeError('ours');
  });
  await t.rejects(carryOut(RELEASE, 'ops-1', bug), TypeError);
});

t.test('a refresh passes on what the sender saw', async (t) => {
  const asked: unknown[] = [];
  const record = hands(null, (config, seq) => void asked.push([config, seq]));
  t.strictSame(await carryOut(REFRESH, 'ops-1', record), {
    ...{ event: 'refreshed', command: 'c-1', cmd: 'refresh', who: 'ops-1', final: true },
  });
  await carryOut({ ...REFRESH, config: 'aim', seq: 311 }, 'ops-1', record);
  t.strictSame(asked, [
    [null, null],
    ['aim', 311],
  ]);
});

t.test('what an answer names', async (t) => {
  t.strictSame(aboutCommand(RELEASE), SAID);
  t.strictSame(aboutCommand({ id: 'c-1', cmd: 'refresh', config: null }), { command: 'c-1', cmd: 'refresh' });
  t.strictSame(refusedEvent(refuse('expired', 'r'), { cmd: 'release' }), {
    ...{ event: 'refused', cmd: 'release', code: 'expired', reason: 'r', final: true },
  });
});

t.test('a verdict over an update is answered with who and why, and refused where it fits none', async (t) => {
  const asked: string[] = [];
  const verdict = { ...BASE, config: 'aim', update: 'u-7', reason: 'looks well' } as const;
  const taking: Hands = {
    ...hands(null),
    confirm(config, update) {
      asked.push(`confirm ${config} ${update}`);
      return null;
    },
    async rollBack(config, update) {
      asked.push(`back ${config} ${update}`);
      return null;
    },
  };
  t.strictSame(await carryOut({ ...verdict, cmd: 'confirm' }, 'ops-1', taking), {
    ...{ event: 'confirmed', command: 'c-1', cmd: 'confirm', config: 'aim' },
    ...{ reason: 'looks well', who: 'ops-1', final: true },
  });
  t.match(await carryOut({ ...verdict, cmd: 'rollback' }, 'ops-1', taking), { event: 'rolled-back', cmd: 'rollback' });
  t.same(asked, ['confirm aim u-7', 'back aim u-7']);
  const refusal = refuse('no-such-update', 'another one runs');
  const refusing: Hands = { ...hands(null), confirm: () => refusal, rollBack: async () => refusal };
  for (const cmd of ['confirm', 'rollback'] as const) {
    t.match(await carryOut({ ...verdict, cmd }, 'ops-1', refusing), { event: 'refused', code: 'no-such-update', cmd });
  }
});
