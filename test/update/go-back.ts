import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { type LineRoom, lineRoom, wish } from '../fixtures/line-room.ts';
import { until } from '../fixtures/until.ts';

const back = { config: 'aim', by: 'mira', reason: 'it oscillates', undo: false };
const undo = { ...back, reason: 'it was the cable', undo: true };
const lastReport = (room: LineRoom) => room.reports.at(-1)?.body;
const names = (room: LineRoom, from = 0) => room.events.slice(from).map(({ event }) => event);

t.test('back to what ran before: told, pinned, and not undone by what comes again or by a restart', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  const before = room.events.length;
  t.same(await room.line.goBack(back), { result: 'rolled-back', reason: 'base version 1 for all' });
  t.equal(room.content(), 'one\n');
  t.match(room.events.slice(before), [
    {
      ...{ event: 'pinned', config: 'aim', who: 'mira', digest: `sha256:${sha256('one\n')}` },
      reason: 'it oscillates; from base version 2 for all to base version 1 for all',
    },
    {
      ...{ event: 'rolled-back', update: 'u-2', version: 2, layer: 'base', address: 'all', who: 'mira', changed: true },
      reason: 'it oscillates; back to base version 1 for all',
    },
  ]);
  t.notHas(room.events.at(-1), { final: true }, 'the document has had its outcome');
  const pinned = { by: 'mira', reason: 'it oscillates', at: '2026-01-01T00:00:00.000Z' };
  t.match(lastReport(room), { running: { version: 1, digest: `sha256:${sha256('one\n')}` }, pinned, pending: null });

  await room.give(wish(2, 'two\n'));
  await room.give(wish(2, 'two\n', { exp: 2_000_000_000 }));
  t.equal(room.content(), 'one\n', 'nor by a renewal');
  const again = await room.reborn();
  await again.send(wish(2, 'two\n'));
  t.equal(again.content(), 'one\n');
  t.match(lastReport(again), { running: { version: 1 }, pinned, drift: null });

  await again.give(wish(3, 'three\n'));
  t.equal(again.content(), 'three\n', 'the fleet takes over with something newer');
  t.match(lastReport(again), { running: { version: 3 }, pinned: null });
  t.same(names(again).slice(-2), ['unpinned', 'applied']);
  t.same(
    again.ledger.generations('aim').map(({ document, outcome }) => `${document?.version} ${outcome}`),
    ['undefined null', '1 applied', '2 rolled-back', '3 applied'],
  );
});

t.test('further back with every time, at last to what was there before Locksmith, and no further', async (t) => {
  const room = await lineRoom(t);
  t.match(await room.line.goBack(back), { result: 'nothing', reason: /no earlier content of aim/ });
  for (const version of [1, 2, 3]) await room.give(wish(version, `${version}\n`));
  const went: (string | null)[] = [];
  for (let times = 0; times < 3; times += 1) {
    t.match(await room.line.goBack(back), { result: 'rolled-back' });
    went.push(room.content());
  }
  t.same(went, ['2\n', '1\n', 'before\n']);
  t.match(lastReport(room), { running: { version: 0, layer: null }, pinned: { by: 'mira' } });
  t.match(await room.line.goBack(back), { result: 'nothing' });
  const again = await room.reborn();
  t.equal(again.content(), 'before\n');
  t.match(await again.line.goBack(undo), { result: 'undone', reason: 'base version 3 for all' });
  t.equal(again.content(), '3\n');
});

t.test('undone by hand: what the fleet has sent counts again', async (t) => {
  const room = await lineRoom(t);
  t.match(await room.line.goBack(undo), { result: 'nothing', reason: 'nobody went back with aim' });
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  await room.line.goBack(back);
  t.same(await room.line.goBack(undo), { result: 'undone', reason: 'base version 2 for all' });
  t.equal(room.content(), 'two\n');
  t.match(lastReport(room), { running: { version: 2 }, pinned: null });
  t.match(room.events.at(-2), { event: 'unpinned', who: 'mira', reason: 'it was the cable' });
  t.match(await room.line.goBack(back), { result: 'rolled-back' }, 'and back again');
  t.equal(room.content(), 'one\n');
});

t.test('it waits for the lock and for the vehicle, and is done by itself', async (t) => {
  const vehicle: { now: 'safe' | 'unsafe' } = { now: 'safe' };
  const door = { state: () => ({ safety: vehicle.now, reason: 'armed' }), onChange: () => () => {} };
  const room = await lineRoom(t, { vehicle: door });
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  vehicle.now = 'unsafe';
  room.locks.hot = true;
  t.same(await room.line.goBack(back), {
    result: 'waiting',
    reason: 'it waits for lock, vehicle, and is done by itself',
  });
  t.equal(room.content(), 'two\n');
  t.match(lastReport(room), { running: { version: 2 }, pinned: { by: 'mira' }, pending: { version: 1 } });
  room.locks.hot = false;
  room.line.wake('aim');
  await until('the vehicle alone', () => lastReport(room)?.pending?.waiting_for.join() === 'vehicle');
  vehicle.now = 'safe';
  room.line.wake('aim');
  await until('it is done', () => room.content() === 'one\n' && lastReport(room)?.pending === null);
  t.match(room.events.at(-1), { event: 'rolled-back', version: 2 });
});

t.test(
  'of what comes later only what counts here takes over, also if it is refused; and so does a withdrawal',
  async (t) => {
    const room = await lineRoom(t);
    const mine = { aud: 'dev/drone-7' } as const;
    await room.give(wish(1, 'one\n', { ...mine, id: 'm-1' }));
    await room.give(wish(2, 'two\n', { ...mine, id: 'm-2' }));
    await room.line.goBack(back);
    await room.give(wish(7, 'for all\n'));
    t.equal(room.content(), 'one\n', 'a document that this device would not follow anyway');
    t.match(lastReport(room), { pinned: { by: 'mira' } });
    await room.give(wish(3, 'three\n', { ...mine, id: 'm-3', expect: { token: 999 } }));
    t.match(room.events.at(-1), { event: 'refused', version: 3 });
    t.equal(room.content(), 'one\n', 'refused: what was taken back does not return by itself');
    t.match(lastReport(room), { pinned: null, running: { version: 1 }, pending: null });
    t.ok(names(room).includes('unpinned'), 'but the fleet has taken over');
    const again = await room.reborn();
    t.equal(again.content(), 'one\n', 'nor with a restart');
    t.match(lastReport(again), { pinned: null, running: { version: 1 } });
    await again.give(wish(3, 'three\n', { ...mine, id: 'm-3', expect: { token: 999 } }));
    t.notOk(names(again).includes('unpinned'), 'said once');
    await again.give({ version: 4, id: 'm-4', withdraw: true, ...mine });
    t.equal(again.content(), 'for all\n', 'after a withdrawal what the fleet says counts again');
    t.match(lastReport(again), { pinned: null, running: { version: 7 } });
  },
);

t.test('a newer update that waits has taken over; what was gone back to stays until it is applied', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  await room.line.goBack(back);
  room.locks.hot = true;
  await room.give(wish(3, 'three\n'));
  t.match(lastReport(room), { pinned: null, pending: { version: 3, waiting_for: ['lock'] }, running: { version: 1 } });
  t.equal(room.content(), 'one\n');
  t.match(names(room).slice(-2), ['unpinned', 'refused'], 'told when it came');
  room.locks.hot = false;
  room.line.wake('aim');
  await until('applied', () => room.content() === 'three\n' && lastReport(room)?.pending === null);
  t.equal(names(room).filter((name) => name === 'unpinned').length, 1);
});

t.test('a newer update that was refused: a person can still have back what was taken away', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  await room.line.goBack(back);
  await room.give(wish(3, 'three\n', { expect: { token: 999 } }));
  t.equal(room.content(), 'one\n');
  t.same(await room.line.goBack(undo), { result: 'undone', reason: 'base version 2 for all' });
  t.equal(room.content(), 'two\n');
});

t.test('what came before is not applied any more, though it still waited', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  room.locks.hot = true;
  await room.give(wish(3, 'three\n'));
  room.locks.hot = false;
  await room.line.goBack(back);
  t.equal(room.content(), 'one\n');
  t.match(lastReport(room), { running: { version: 1 }, pending: null });
});

t.test('contents that were never good, or that a revoked key signed, are not gone back to', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  writeFileSync(join(room.etc, 'aim.conf'), 'by hand\n');
  await room.give(wish(2, 'one\n'));
  await room.give(wish(3, 'three\n'));
  t.match(await room.line.goBack(back), { reason: 'base version 2 for all' }, 'not to the edit by hand');
  t.match(await room.line.goBack(back), { reason: 'as it was before Locksmith' }, 'not to the same content again');

  const third = await lineRoom(t);
  for (const version of [1, 2, 3]) await third.give(wish(version, `${version}\n`));
  t.equal(await third.line.rollBack('aim', 'u-3'), null, 'the fleet takes version 3 back');
  await until('back, and told', () => lastReport(third)?.running.version === 2);
  t.match(await third.line.goBack(back), { reason: 'base version 1 for all' });

  const other = await lineRoom(t);
  await other.give(wish(1, 'one\n'));
  await other.give(wish(2, 'two\n'));
  const kid = other.ledger.places('aim')[0]?.latest.kid ?? '';
  const gone = other.line.revoke([kid]);
  for (const record of gone.records) other.ledger.fold(record);
  t.same(
    other.ledger.generations('aim').map(({ outcome }) => outcome),
    [null, 'withdrawn', 'withdrawn'],
  );
});

t.test('an edit by hand over what was gone back to is put back to that', async (t) => {
  const room = await lineRoom(t, { settings: { on_drift: 'restore' } });
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  await room.line.goBack(back);
  writeFileSync(join(room.etc, 'aim.conf'), 'by hand\n');
  room.line.inspect();
  await until('put back', () => room.content() === 'one\n');
  await until('told', () => names(room).at(-1) === 'applied');
  t.match(lastReport(room), { pinned: { by: 'mira' }, running: { version: 1 } });
});
