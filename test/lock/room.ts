import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostClock } from '../../agent/host/clock.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { hostWatchDir } from '../../agent/host/watches.ts';
import { Failure } from '../../agent/values/errors.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { makeRoom, mustHold } from '../fixtures/lock-room.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { latch, until } from '../fixtures/until.ts';

t.test('sections of one config never overlap, and each has a token of its own', async (t) => {
  const { room } = makeRoom(t);
  let inside = 0;
  const tokens = await Promise.all(
    Array.from({ length: 20 }, () =>
      room.hold('aim', async (grant) => {
        inside += 1;
        t.equal(inside, 1);
        await new Promise((resolve) => void setTimeout(resolve, 2));
        inside -= 1;
        return [grant.tokenBefore, grant.token];
      }),
    ),
  );
  t.strictSame(
    tokens,
    Array.from({ length: 20 }, (_, index) => ({ kind: 'done', value: [index, index + 1] })),
  );
});

t.test('a section that throws gives the lock back', async (t) => {
  const { room } = makeRoom(t);
  const failing = room.hold('aim', async () => {
    throw new Error('no');
  });
  await t.rejects(failing, /no/);
  t.match(await room.hold('aim', async (grant) => grant.token), { kind: 'done', value: 2 });
});

t.test('HOT is said instead of running the section, and COLD is noticed while somebody waits', async (t) => {
  const { room, conf, changes } = makeRoom(t);
  await room.settleAll();
  const locker = await flockBy(t, conf);
  const held = await room.hold('aim', async () => t.fail('ran'));
  t.match(held, { kind: 'hot', lock: { state: 'HOT', holder: { pid: locker.pid } } });
  room.refused('aim');
  t.equal(room.look('aim').refusals, 1);
  room.expectCold('aim');
  const cancelled = room.expectCold('aim');
  cancelled();
  cancelled();
  await locker.end();
  await until('COLD by itself', () => changes.some(({ what }) => what === 'cold'));
  t.match(room.states(), { aim: { state: 'COLD', refusals: 0 } });
});

t.test('while an update waits the lock is tried every second; else it is looked at every 5 s', async (t) => {
  const hand = manualClock();
  const waits: { readonly ms: number; readonly when: string }[] = [];
  const after: typeof hand.after = (ms, fn, when) => {
    waits.push({ ms, when: when ?? 'exactly' });
    return hand.after(ms, fn);
  };
  const clock = { ...hand, after, bootId: hostClock().bootId };
  const { room, conf, changes } = makeRoom(t, { ports: { clock } });
  await room.settleAll();
  const unwatch = room.watch();
  const [first] = waits;
  t.match(first, { when: 'about' }, 'with whatever else comes shortly before');
  // So much later something may come that may share a wake.
  t.equal(Math.round(((first?.ms ?? 0) * 7) / 6), 5000);
  const locker = await flockBy(t, conf);
  clock.advance((first?.ms ?? 0) - 1);
  t.equal(changes.length, 0);
  clock.advance(1);
  t.match(changes, [{ what: 'hot' }]);
  const cancel = room.expectCold('aim');
  await locker.end();
  await until('the lock is free', () => {
    clock.advance(1000);
    return changes.some(({ what }) => what === 'cold');
  });
  t.match([changes[0], changes.at(-1)], [{ what: 'hot' }, { what: 'cold' }]);
  cancel();
  unwatch();
});

t.test('a lock that cannot be settled is said once in the log, and heals', async (t) => {
  const real = hostFiles();
  const state = { broken: true };
  const files: typeof real = {
    ...real,
    makeDir(op, dir, mode) {
      if (state.broken) throw new Failure('disk-full', op, dir, 'no space', { retry: true });
      real.makeDir(op, dir, mode);
    },
  };
  const { room, said } = makeRoom(t, { ports: { files } });
  await room.settleAll();
  await room.settleAll();
  t.strictSame(said, ['lock of aim: no space']);
  t.strictSame(room.states(), {});
  await t.rejects(
    room.hold('aim', async () => {}),
    { code: 'disk-full' },
  );
  state.broken = false;
  await room.settleAll();
  t.match(room.states(), { aim: { state: 'COLD' } });
});

t.test('a cleared run directory is made anew, and no token falls', async (t) => {
  const { room, settings } = makeRoom(t);
  await room.hold('aim', async () => {});
  rmSync(settings.paths.run, { recursive: true });
  const held = await room.hold('aim', async (grant) => grant.token);
  t.ok(held.kind === 'done' && held.value > 1);
});

t.test('the incident: a lock manager is killed between setting the bit and writing the owner', async (t) => {
  const bench = makeRoom(t);
  await bench.room.settleAll();
  writeFileSync(bench.paths.bit, '1\n');
  const next = makeRoom(t, { dir: bench.dir });
  await next.room.settleAll();
  t.match(next.room.states(), { aim: { state: 'COLD', token: 1 } });
  t.match(next.changes, [{ what: 'reclaimed', reclaim: { newToken: 1 } }]);
});

t.test('who is not heard any more hears nothing, and an unknown config is our own bug', async (t) => {
  const { room } = makeRoom(t);
  const heard: string[] = [];
  const cancel = room.onChange((config) => void heard.push(config));
  await room.hold('aim', async () => {});
  t.strictSame(heard, ['aim']);
  cancel();
  await room.hold('aim', async () => {});
  t.strictSame(heard, ['aim']);
  t.throws(() => room.look('other'), /other/);
  const gate = latch();
  const running = room.hold('aim', () => gate.opened);
  t.equal(room.look('aim').state, 'COLD');
  gate.open();
  await running;
});

t.test('a request on the control surface is answered at once, also one written by sed', async (t) => {
  const bench = makeRoom(t, { ports: { watchDir: hostWatchDir } });
  const { room, paths, changes } = bench;
  await room.settleAll();
  t.teardown(room.watch());
  const lessee = { pid: 0, start: null, command: null, user: 'root', unit: null };
  for (const request of [`echo 0 > ${paths.bit}`, `sed -i s/1/0/ ${paths.bit}`]) {
    await (await mustHold(bench, { kind: 'lease', holder: lessee, forMs: 3_600_000 })).release();
    changes.length = 0;
    execFileSync('sh', ['-c', request]);
    await until(
      request,
      () => changes.some(({ what }) => what === 'released') && changes.some(({ what }) => what === 'cold'),
    );
  }
});
