import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { openKeeper } from '../../agent/update/keep.ts';
import { type LineRoom, lineRoom, wish } from '../fixtures/line-room.ts';
import { until } from '../fixtures/until.ts';

const edit = (room: LineRoom, text: string) => writeFileSync(join(room.etc, 'aim.conf'), text);
const drifts = (room: LineRoom) => room.events.filter(({ event }) => event === 'drift');
const digest = (text: string) => `sha256:${sha256(text)}`;
const lastReport = (room: LineRoom) => room.reports.at(-1)?.body;
/** Has the line look at the disk; resolves when the report says what `drift` says. */
const inspect = async (room: LineRoom, drift: string | null) => {
  room.line.inspect();
  await until('the report', () => lastReport(room)?.drift?.digest === (drift === null ? undefined : digest(drift)));
};

t.test('an edit by hand is told once for each content, kept, and nothing is rewritten for it', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  edit(room, 'by hand\n');
  await inspect(room, 'by hand\n');
  t.match(drifts(room), [
    {
      ...{ event: 'drift', config: 'aim', digest: digest('by hand\n') },
      reason: 'aim.conf edited by hand since base version 1 for all was put there',
    },
  ]);
  t.equal(room.content(), 'by hand\n');
  t.match(lastReport(room), { running: { digest: digest('one\n') }, pending: null });
  const keeper = openKeeper(hostFiles(), sha256, join(room.etc, '..', 'kept'));
  const last = room.ledger.generations('aim').at(-1);
  t.match(last, { why: 'drift', document: null, outcome: null });
  t.same(last && keeper.read(last), [{ name: 'aim.conf', bytes: Buffer.from('by hand\n') }]);

  const reports = room.reports.length;
  room.line.inspect();
  await room.give(wish(1, 'one\n'));
  t.equal(drifts(room).length, 1, 'the same content is not told again');
  t.equal(room.reports.length, reports);
  edit(room, 'otherwise\n');
  await inspect(room, 'otherwise\n');
  t.equal(drifts(room).length, 2);
  edit(room, 'one\n');
  await inspect(room, null);
  t.equal(drifts(room).length, 2, 'undone by hand');
});

t.test('seen at the start, also what was edited while nobody looked; told once over restarts', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  edit(room, 'by hand\n');
  const second = await room.reborn();
  t.equal(drifts(second).length, 1);
  t.match(lastReport(second), { drift: { digest: digest('by hand\n') } });
  const third = await second.reborn();
  t.equal(drifts(third).length, 0);
  t.match(lastReport(third), { drift: { digest: digest('by hand\n') } }, 'but still reported');
});

t.test('a removed file; and before the first move nothing is an edit', async (t) => {
  const room = await lineRoom(t);
  edit(room, 'other\n');
  room.line.inspect();
  await until('what is there is reported', () => lastReport(room)?.running.digest === digest('other\n'));
  t.equal(lastReport(room)?.drift, null);
  await room.give(wish(1, 'one\n'));
  rmSync(join(room.etc, 'aim.conf'));
  await inspect(room, '');
  t.match(drifts(room), [{ event: 'drift', reason: /^aim\.conf edited by hand/ }]);
});

t.test('the next move saves the edit, says so, and goes ahead', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  edit(room, 'by hand\n');
  await room.give(wish(2, 'two\n'));
  t.same(
    room.events.slice(-2).map(({ event }) => event),
    ['drift', 'applied'],
  );
  t.equal(room.content(), 'two\n');
  t.match(lastReport(room), { drift: null, running: { version: 2 } });
  t.same(
    room.ledger.generations('aim').map(({ why }) => why),
    ['original', 'update', 'drift', 'update'],
  );
});

t.test('what the sender believes to be on disk is compared with what is on disk', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  edit(room, 'by hand\n');
  const { token } = room.locks;
  await room.give(wish(2, 'two\n', { expect: { digest: digest('one\n') } }));
  t.match(room.events.at(-1), {
    ...{ event: 'refused', version: 2, code: 'lock-mismatch', mismatch: 'digest', final: true },
    reason: `lock mismatch: aim.conf has digest ${digest('by hand\n')}, the update expected ${digest('one\n')}`,
  });
  t.equal(room.content(), 'by hand\n');
  t.equal(room.locks.token, token, 'the token others go by has not moved');
  await room.give(wish(3, 'three\n', { expect: { digest: digest('by hand\n') } }));
  t.equal(room.content(), 'three\n');
  edit(room, 'four\n');
  await room.give(wish(4, 'four\n', { expect: { digest: digest('three\n') } }));
  t.match(
    room.events.at(-1),
    { event: 'refused', version: 4, mismatch: 'digest' },
    'the bytes are the wanted ones already',
  );
});

t.test('restore: told, put back under the lock, told again', async (t) => {
  const room = await lineRoom(t, { settings: { on_drift: 'restore' } });
  await room.give(wish(1, 'one\n'));
  edit(room, 'by hand\n');
  room.locks.hot = true;
  await inspect(room, 'by hand\n');
  await until('it waits', () => lastReport(room)?.pending !== null);
  t.match(lastReport(room), { pending: { version: 1, waiting_for: ['lock'] }, running: { version: 1 } });
  t.equal(room.content(), 'by hand\n');
  room.line.inspect();
  room.locks.hot = false;
  room.line.wake('aim');
  await until('put back', () => room.content() === 'one\n' && lastReport(room)?.pending === null);
  t.same(
    room.events.slice(-3).map(({ event }) => event),
    ['drift', 'waiting', 'applied'],
  );
  t.match(room.events.at(-1), { changed: true, reason: 'put back as it was before somebody edited it by hand' });
  t.notHas(room.events.at(-1), { final: true });
  t.match(lastReport(room), { drift: null, running: { version: 1, digest: digest('one\n') } });
  t.ok(room.ledger.generationWith('aim', digest('by hand\n')), 'the edit is kept');
});

t.test('restore: not while the vehicle is not safe', async (t) => {
  const vehicle: { now: 'safe' | 'unsafe' } = { now: 'unsafe' };
  const door = { state: () => ({ safety: vehicle.now, reason: 'armed' }), onChange: () => () => {} };
  const room = await lineRoom(t, { vehicle: door, settings: { on_drift: 'restore' } });
  vehicle.now = 'safe';
  await room.give(wish(1, 'one\n'));
  vehicle.now = 'unsafe';
  edit(room, 'by hand\n');
  await inspect(room, 'by hand\n');
  await until('it waits', () => lastReport(room)?.pending !== null);
  t.same(lastReport(room)?.pending?.waiting_for, ['vehicle']);
  t.equal(room.content(), 'by hand\n');
  vehicle.now = 'safe';
  room.line.wake('aim');
  await until('put back', () => room.content() === 'one\n');
});

t.test('restore brings back what was there before Locksmith, where that is what belongs there', async (t) => {
  const room = await lineRoom(t, { settings: { on_drift: 'restore' } });
  await room.give(wish(1, 'one\n'));
  await room.give({ version: 2, id: 'u-2', withdraw: true });
  t.equal(room.content(), 'before\n');
  edit(room, 'by hand\n');
  room.line.inspect();
  await until('put back', () => room.content() === 'before\n');
});

t.test('a disk that cannot be read is told of once, and looked at again', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  edit(room, 'by hand\n');
  chmodSync(room.etc, 0o777);
  room.line.inspect();
  await until('told of', () => room.troubles.length === 1);
  room.clock.advance(5_000);
  room.line.inspect();
  chmodSync(room.etc, 0o755);
  room.clock.advance(5_000);
  await until('seen', () => lastReport(room)?.drift?.digest === digest('by hand\n'));
  t.equal(room.troubles.length, 1);
});
