import { readFileSync, rmSync } from 'node:fs';
import t from 'tap';
import { hostFiles } from '../../agent/host/files.ts';
import { giveBack, heldRecord, runFenced, stillHeld } from '../../agent/lock/grant.ts';
import { openParts } from '../../agent/lock/parts.ts';
import { recordText } from '../../agent/lock/record.ts';
import { makeRoom, wish } from '../fixtures/lock-room.ts';

const taken = async (t: Parameters<typeof makeRoom>[0]) => {
  const bench = makeRoom(t);
  const parts = openParts(bench.ports, bench.settings, 'aim');
  t.teardown(() => parts.hands.close());
  if (!(await parts.guard.enter())) throw new Error('no guard');
  parts.hands.reach(() => null);
  const sidecar = parts.hands.sidecar();
  if (sidecar === null) throw new Error('no sidecar');
  const given = { token: 5, sidecar, reclaims: [] };
  const record = heldRecord(wish(bench.ports, { forMs: 1000 }), given, parts.self, parts.clock);
  hostFiles().writeView('lock.record', parts.paths.record, recordText(record), 0o644);
  parts.guard.leave();
  return { bench, parts, record };
};

t.test('the record says who, on which sidecar, and until when by the boot clock', async (t) => {
  const { record, parts } = await taken(t);
  t.equal(record.deadlineBootMs, record.sinceBootMs + 1000);
  t.match(record, { token: 5, boot: parts.clock.bootId, pidNamespace: parts.self.pidNamespace });
  t.equal(record.sidecar.ino, parts.hands.sidecar()?.ino);
});

t.test('a step runs under the guard, and only while the token holds', async (t) => {
  const { parts } = await taken(t);
  t.equal(stillHeld(parts, 5), true);
  t.equal(stillHeld(parts, 4), false);
  t.strictSame(await runFenced(parts, 5, () => parts.guard.tryEnter()), { kind: 'done', value: false }, 'inside');
  t.match(await runFenced(parts, 4, () => 1), { kind: 'lost' });
  await t.rejects(
    runFenced(parts, 5, () => {
      throw new Error('the rename failed');
    }),
    /the rename failed/,
  );
  t.equal(parts.guard.tryEnter(), true, 'the guard is left in each case');
  t.match(await runFenced(parts, 5, () => 1), { kind: 'lost', why: /kept by another/ });
});

t.test('given back: record, bit, and the kernel locks in each case', async (t) => {
  const { parts, record, bench } = await taken(t);
  t.equal(await giveBack(parts, record), null);
  t.match(JSON.parse(readFileSync(parts.paths.record, 'utf8')), { mode: 'free', token: 5 });
  t.equal(bench.word('bit'), '0');
  t.equal(parts.hands.reach(() => null).kind, 'got');
  t.match(await giveBack(parts, record), /taken away/, 'not twice');
  rmSync(parts.paths.dir, { recursive: true });
  t.type(await giveBack(parts, record), 'string', 'nor without its files');
});
