import { writeFileSync } from 'node:fs';
import t from 'tap';
import { openParts } from '../../agent/lock/parts.ts';
import { recordText } from '../../agent/lock/record.ts';
import { examine, readRecord, readWord, reclaim, tokenOf } from '../../agent/lock/settle.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { makeRoom, mustHold } from '../fixtures/lock-room.ts';

const scene = (t: Parameters<typeof makeRoom>[0]) => {
  const bench = makeRoom(t);
  const parts = openParts(bench.ports, bench.settings, 'aim');
  t.teardown(() => parts.hands.close());
  if (!parts.guard.tryEnter()) throw new Error('no guard');
  return { bench, parts: { ...parts, hints: [] } };
};

t.test('examining changes nothing, whatever it finds', async (t) => {
  const { bench, parts } = scene(t);
  parts.guard.leave();
  await (await mustHold(bench)).release();
  const held = JSON.parse(bench.word('record'));
  const text = recordText({ mode: 'free', token: held.token, boot: 'another boot', reclaims: [] });
  writeFileSync(parts.paths.record, text);
  writeFileSync(parts.paths.bit, '1\n');
  t.match(examine(parts), { kind: 'stale', why: /conf_locked/ });
  t.equal(readWord(parts.files, parts.paths.record), text.trim());
  t.equal(readWord(parts.files, parts.paths.bit), '1');
  parts.hands.drop();
  await flockBy(t, parts.paths.sidecar);
  t.match(examine(parts), { kind: 'hot', verdict: 'held', record: null });
});

t.test('a reclaim raises the token and says who had it', async (t) => {
  const { parts } = scene(t);
  parts.hands.reach(() => null);
  parts.hands.drop();
  const holder = { pid: 5, start: 6, command: 'x', user: 'root', unit: null };
  const sidecar = parts.hands.sidecar() ?? { dev: 0, ino: 0 };
  const record = recordText({
    ...{ mode: 'held', kind: 'kernel', purpose: 'hold', token: 41, holder, boot: parts.clock.bootId },
    ...{ pidNamespace: 1, timeNamespace: 1, sidecar, since: 'x', sinceBootMs: 0, reason: null },
    ...{ deadlineBootMs: null, reclaims: [] },
  });
  writeFileSync(parts.paths.record, record);
  const found = examine(parts);
  if (found.kind !== 'stale') throw new Error(found.kind);
  t.match(reclaim(parts, found), { kind: 'free', token: 42, reclaims: [{ oldToken: 41, newToken: 42, holder }] });
  t.match(readRecord(parts.files, parts.paths.record), { mode: 'free', token: 42, reclaims: [{ holder }] });
  parts.hands.drop();
  t.match(examine(parts), { kind: 'free', token: 42 });
});

t.test('a token of another boot counts only together with the ceiling', async (t) => {
  const tokens = { last: () => 1000, covers: () => true, reserve: async () => {} };
  const free = { mode: 'free', token: 7, boot: 'now', reclaims: [] } as const;
  t.equal(tokenOf(free, tokens, 'now'), 7);
  t.equal(tokenOf({ ...free, boot: 'before' }, tokens, 'now'), 1000);
  t.equal(tokenOf({ ...free, boot: 'before', token: 2000 }, tokens, 'now'), 2000);
  t.equal(tokenOf(null, tokens, 'now'), 1000);
  t.equal(tokenOf('unreadable', tokens, 'now'), 1000);
});
