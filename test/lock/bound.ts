import t from 'tap';
import { type BoundWish, releaseBound } from '../../agent/lock/bound.ts';
import type { ReleaseScene } from '../../agent/lock/release.ts';
import { flockBy, leakBy } from '../fixtures/lock-holders.ts';
import { makeRoom, mustHold } from '../fixtures/lock-room.ts';

/** A release on real locks. */
function bench(t: Parameters<typeof makeRoom>[0]) {
  const made = makeRoom(t);
  const units = { running: async () => false, stop: async () => {}, start: async () => {}, reload: async () => {} };
  const { processes, clock } = made.ports;
  const scene: ReleaseScene = {
    processes,
    clock,
    units,
    lock: made.room.lock('aim'),
    writers: [],
    notSafe: async () => null,
  };
  const wish = (over: Partial<BoundWish> = {}): BoundWish => ({
    ...{ token: 1, holder: null, endHolder: false, reason: 'left over', who: 'ops-1' },
    ...over,
  });
  return { ...made, scene, wish };
}
const LESSEE = { pid: 0, start: null, command: null, user: 'root', unit: null };

t.test('a lease: released for the token it was meant for, and for no other', async (t) => {
  const made = bench(t);
  await (await mustHold(made, { kind: 'lease', holder: LESSEE, forMs: 3_600_000 })).release();
  const { token } = (await made.scene.lock.observe()).lock;
  for (const other of [token - 1, token + 1]) {
    t.match(await releaseBound(made.scene, made.wish({ token: other })), {
      ...{ kind: 'refusal', code: 'lock-mismatch', mismatch: 'token', final: true },
      reason: `lock mismatch: aim.conf has token ${token}, the command was signed for ${other}`,
    });
  }
  t.equal((await made.scene.lock.observe()).lock.state, 'HOT', 'it is still there');
  const done = await releaseBound(made.scene, made.wish({ token }));
  t.match(done, { kind: 'released', oldToken: token, changed: true });
  const after = (await made.scene.lock.observe()).lock;
  t.match(after, { state: 'COLD' });
  t.ok('newToken' in done && done.newToken === after.token && after.token > token);
  t.match(await releaseBound(made.scene, made.wish({ token })), { mismatch: 'token' }, 'the same again is too late');
  t.strictSame(await releaseBound(made.scene, made.wish({ token: after.token })), {
    ...{ kind: 'released', oldToken: after.token, newToken: after.token, changed: false, ended: [] },
  });
});

t.test('a lease given in between is left alone', async (t) => {
  const made = bench(t);
  await (await mustHold(made, { kind: 'lease', holder: LESSEE, forMs: 3_600_000 })).release();
  const { token } = (await made.scene.lock.observe()).lock;
  const order = { by: 'ops-1', why: 'left over', breakIt: false };
  t.match(await made.scene.lock.clear({ ...order, token: token - 1 }), { state: 'HOT', token });
  t.match(await made.scene.lock.clear({ ...order, token }), { state: 'COLD' });
});

t.test('somebody alive has it: refused, and he lives', async (t) => {
  const made = bench(t);
  await made.room.settleAll();
  const { token } = (await made.scene.lock.observe()).lock;
  const locker = await flockBy(t, made.conf);
  const refused = await releaseBound(made.scene, made.wish({ token, endHolder: true }));
  t.match(refused, { kind: 'refusal', code: 'lock-mismatch', mismatch: 'hot', reason: /HOT .*live holder/ });
  process.kill(locker.pid, 0);
});

t.test('an orphan: ended only where he is the one that was meant', async (t) => {
  const made = bench(t);
  await made.room.settleAll();
  await leakBy(t, made.conf);
  const { lock } = await made.scene.lock.observe();
  const { token, holder, verdict } = lock;
  t.equal(verdict, 'orphaned');
  if (holder === null) throw new Error('no holder');
  const orphan = { pid: holder.pid, start: holder.start };
  t.match(await releaseBound(made.scene, made.wish({ token })), { mismatch: 'hot', reason: /--end-holder/ });
  const denied = { ...made.scene, processes: { ...made.scene.processes, signal: () => 'denied' as const } };
  t.match(await releaseBound(denied, made.wish({ token, holder: orphan, endHolder: true })), {
    ...{ kind: 'refusal', code: 'end-not-allowed', reason: /^aim\.conf HOT .*CAP_KILL$/, final: true },
  });
  const other = { pid: orphan.pid, start: (orphan.start ?? 0) + 1 };
  t.match(await releaseBound(made.scene, made.wish({ token, holder: other, endHolder: true })), {
    ...{ code: 'lock-mismatch', mismatch: 'hot', reason: /signed for pid/ },
  });
  const before = { ...orphan, boot: 'the boot before' };
  t.match(await releaseBound(made.scene, made.wish({ token, holder: before, endHolder: true })), {
    ...{ code: 'lock-mismatch', mismatch: 'hot', reason: /of another boot/ },
  });
  process.kill(orphan.pid, 0);
  const now = { ...orphan, boot: made.scene.clock.bootId };
  t.match(await releaseBound(made.scene, made.wish({ token, holder: now, endHolder: true })), {
    ...{ kind: 'released', oldToken: token, changed: true },
  });
  t.equal(made.ports.processes.describe(orphan.pid)?.zombie ?? true, true, 'he is gone');
});

t.test('a vehicle that is not safe refuses it, with a code of its own', async (t) => {
  const made = bench(t);
  await (await mustHold(made, { kind: 'lease', holder: LESSEE, forMs: 3_600_000 })).release();
  const { token } = (await made.scene.lock.observe()).lock;
  const scene = { ...made.scene, notSafe: async () => 'the vehicle is not safe: armed' };
  t.match(await releaseBound(scene, made.wish({ token })), {
    ...{ kind: 'refusal', code: 'not-safe', reason: 'the vehicle is not safe: armed' },
  });
  t.equal((await made.scene.lock.observe()).lock.state, 'HOT');
});
