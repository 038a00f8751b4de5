import { writeFileSync } from 'node:fs';
import t from 'tap';
import { carryOut, planRelease, type ReleaseScene, releaseRefusal } from '../../agent/lock/release.ts';
import { Failure } from '../../agent/values/errors.ts';
import type { LockState } from '../../agent/values/lock.ts';
import { flockBy, leakBy } from '../fixtures/lock-holders.ts';
import { makeRoom, mustHold } from '../fixtures/lock-room.ts';

const holder = { pid: 4711, start: 1, command: 'flock', user: 'root', unit: null };
const hot: LockState = { state: 'HOT', verdict: 'held', holder, since: null, token: 7, refusals: 0, file: 'a.conf' };
const plain = { endHolder: false, breakIt: false };
const wish = { by: 'eve', why: 'left over', ...plain };

t.test('what may be released, and how', async (t) => {
  const refused = (lock: Partial<LockState>, how: Partial<typeof plain> = {}) =>
    releaseRefusal({ ...hot, ...lock }, { ...plain, ...how }, 0) !== null;
  t.equal(refused({ state: 'COLD', verdict: null }), false);
  t.equal(refused({ verdict: 'stale' }), false);
  t.equal(refused({ lease: true }), false);
  for (const verdict of ['held', 'overdue'] as const) {
    t.equal(refused({ verdict }, { endHolder: true, breakIt: true }), true, `a live holder, ${verdict}`);
  }
  t.strictSame(
    [refused({ verdict: 'orphaned' }, { breakIt: true }), refused({ verdict: 'orphaned' }, { endHolder: true })],
    [true, false],
  );
  t.strictSame(
    [refused({ verdict: 'unseen' }, { endHolder: true }), refused({ verdict: 'unseen' }, { breakIt: true })],
    [true, false],
  );
});

t.test('the plan names every step', async (t) => {
  const plan = planRelease({ ...hot, verdict: 'orphaned' }, { endHolder: true, breakIt: false }, ['aim.service'], null);
  t.match(plan[0], 'stop aim.service');
  t.match(plan[1], 'end pid 4711 flock');
  t.match(plan.join('\n'), /token 7/);
  t.match(plan.at(-1), /updates that wait/);
  t.match(planRelease(hot, plain, [], 'shadow version 2 for all').at(-1), /again: shadow version 2 for all$/);
});

/** A release on real locks, with services that write down what was done to them. */
function bench(t: Parameters<typeof makeRoom>[0]) {
  const made = makeRoom(t);
  const done: string[] = [];
  const units = {
    running: async (unit: string) => unit === 'a.service',
    stop: async (unit: string) => void done.push(`stop ${unit}`),
    start: async (unit: string) => void done.push(`start ${unit}`),
    reload: async () => {},
  };
  const { processes, clock } = made.ports;
  const scene: ReleaseScene = {
    ...{ processes, clock, units },
    lock: made.room.lock('aim'),
    writers: ['a.service', 'b.service'],
    notSafe: async () => null,
  };
  return { ...made, scene, done };
}

t.test('a lease is released; writers that ran are stopped before and started after', async (t) => {
  const made = bench(t);
  const lessee = { pid: 0, start: null, command: null, user: 'root', unit: null };
  await (await mustHold(made, { kind: 'lease', holder: lessee, forMs: 3_600_000 })).release();
  const release = await carryOut(made.scene, wish);
  t.match(release, { kind: 'released', lock: { state: 'COLD', token: 3 }, why: null });
  t.strictSame(made.done, ['stop a.service', 'start a.service']);
  t.match(await carryOut(made.scene, wish), { kind: 'cold' });
});

t.test('a live holder: refused before anything is stopped', async (t) => {
  const made = bench(t);
  await made.room.settleAll();
  const locker = await flockBy(t, made.conf);
  t.match(await carryOut(made.scene, { ...wish, endHolder: true, breakIt: true }), {
    kind: 'refused',
    why: /live holder/,
  });
  t.strictSame(made.done, []);
  process.kill(locker.pid, 0);
});

t.test('an orphaned lock: refused, and with end-holder the holder is ended', async (t) => {
  const made = bench(t);
  await made.room.settleAll();
  const locker = await leakBy(t, made.paths.sidecar);
  t.match(await carryOut(made.scene, wish), { kind: 'refused', why: /--end-holder/ });
  t.match(await carryOut(made.scene, { ...wish, endHolder: true }), {
    ...{ kind: 'released', lock: { state: 'COLD' }, ended: [new RegExp(`^ended pid ${locker.said} sleep`)] },
  });
  const left = made.ports.processes.describe(Number(locker.said));
  t.ok(left === null || left.zombie);
  const heard = made.changes.filter(({ what }) => what === 'released' || what === 'reclaimed');
  t.match(heard, [{ what: 'released', reclaim: { by: 'eve', holder: { pid: Number(locker.said) } } }], 'in her name');
  t.match(
    heard[0],
    { reclaim: { why: new RegExp(`^left over \\(ended pid ${locker.said} sleep`) } },
    'who was ended, too',
  );
});

t.test('a holder that we may not end: refused at once, and nothing is stopped', async (t) => {
  const made = bench(t);
  await made.room.settleAll();
  const locker = await leakBy(t, made.paths.sidecar);
  const denied = { ...made.scene.processes, signal: () => 'denied' as const };
  const why = new RegExp(
    `^aim\\.conf HOT \\(orphaned: held by pid ${locker.said} sleep.*may not end that process without CAP_KILL$`,
  );
  const release = await carryOut({ ...made.scene, processes: denied }, { ...wish, endHolder: true });
  t.match(release, { kind: 'denied', why, steps: [], ended: [], lock: { state: 'HOT' } });
  t.strictSame(made.done, []);

  // As if another process, of another user, showed up once the first is ended.
  const asked: unknown[] = [];
  const later = {
    ...made.scene.processes,
    signal: (_pid: number, _start: number | null, signal: unknown) =>
      asked.push(signal) > 1 ? ('denied' as const) : ('sent' as const),
  };
  t.match(await carryOut({ ...made.scene, processes: later }, { ...wish, endHolder: true }), { kind: 'denied', why });
  t.strictSame(made.done, ['stop a.service', 'start a.service'], 'what was stopped runs again');
  t.strictSame(asked, [0, 0], 'and nothing was sent');
});

t.test('a holder that no signal ends is not told as ended', async (t) => {
  const made = bench(t);
  await made.room.settleAll();
  await leakBy(t, made.paths.sidecar);
  const signals: unknown[] = [];
  const processes = {
    ...made.scene.processes,
    signal: (_pid: number, _start: number | null, signal: unknown) => {
      signals.push(signal);
      return 'sent' as const;
    },
  };
  const clock = { ...made.scene.clock, after: (_ms: number, fn: () => void) => made.scene.clock.after(0, fn) };
  t.match(await carryOut({ ...made.scene, processes, clock }, { ...wish, endHolder: true }), {
    ...{ kind: 'refused', ended: [], why: /still HOT/ },
  });
  t.strictSame(signals, [0, 0, 'SIGTERM', 'SIGKILL']);
});

t.test('a failure at any step starts the writers again', async (t) => {
  const made = bench(t);
  await made.room.settleAll();
  writeFileSync(made.paths.bit, '1\n');
  const lock = {
    ...made.scene.lock,
    clear: async () => {
      throw new Error('no space');
    },
  };
  await t.rejects(carryOut({ ...made.scene, lock }, wish), /no space/);
  t.strictSame(made.done, ['stop a.service', 'start a.service']);
});

t.test('a writer that cannot be stopped, or not be started again', async (t) => {
  const made = bench(t);
  await made.room.settleAll();
  writeFileSync(made.paths.bit, '1\n');
  const failing = (verb: string) => async (unit: string) => {
    if (unit === 'b.service')
      throw new Failure('io', `systemctl ${verb}`, unit, `${unit}: ${verb}: no`, { retry: true });
    made.done.push(`${verb} ${unit}`);
  };
  const units = { ...made.scene.units, running: async () => true };
  const stuck = { ...made.scene, units: { ...units, stop: failing('stop') } };
  await t.rejects(carryOut(stuck, wish), { code: 'io', message: 'b.service: stop: no' });
  t.strictSame(made.done, ['stop a.service', 'start b.service', 'start a.service'], 'also the one that did not stop');
  t.match((await made.room.lock('aim').observe()).stale, /conf_locked|record/, 'nothing was cleared');

  made.done.length = 0;
  const down = { ...made.scene, units: { ...units, start: failing('start') } };
  await t.rejects(carryOut(down, wish), {
    code: 'io',
    message: 'stopped for the release of aim.conf, and not started again: b.service: start: no',
  });
  t.strictSame(made.done, ['stop a.service', 'stop b.service', 'start a.service'], 'the other one runs again');
  t.match((await made.room.lock('aim').observe()).lock, { state: 'COLD' }, 'the lock is free all the same');
});

t.test('a vehicle that is not safe: nothing is stopped, ended or cleared', async (t) => {
  const made = bench(t);
  await made.room.settleAll();
  const locker = await leakBy(t, made.paths.sidecar);
  const scene = { ...made.scene, notSafe: async () => 'the vehicle is not safe: armed' };
  t.match(await carryOut(scene, { ...wish, endHolder: true }), {
    ...{ kind: 'unsafe', why: 'the vehicle is not safe: armed', steps: [], lock: { state: 'HOT' } },
  });
  t.strictSame(made.done, []);
  t.ok(made.ports.processes.describe(Number(locker.said)), 'the holder lives');
});

t.test('a vehicle that arms while the writers are being stopped gets them back', async (t) => {
  const made = bench(t);
  await made.room.settleAll();
  writeFileSync(made.paths.bit, '1\n');
  const units = { ...made.scene.units, running: async () => true };
  // Looked at before anything, before each writer, and before the holder would be ended.
  for (const [armsAt, done] of [
    [1, []],
    [2, ['stop a.service', 'start a.service']],
    [3, ['stop a.service', 'stop b.service', 'start b.service', 'start a.service']],
  ] as const) {
    made.done.length = 0;
    let looks = 0;
    const notSafe = async () => {
      looks += 1;
      return looks > armsAt ? 'the vehicle is not safe: armed' : null;
    };
    t.match(await carryOut({ ...made.scene, units, notSafe }, wish), { kind: 'unsafe' });
    t.strictSame(made.done, done);
    t.match((await made.room.lock('aim').observe()).stale, /conf_locked|record/, 'nothing was cleared');
  }
});
