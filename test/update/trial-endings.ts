import { renameSync } from 'node:fs';
import t from 'tap';
import { type LineRoom, type LineRoomOptions, lineRoom, wish } from '../fixtures/line-room.ts';
import { until } from '../fixtures/until.ts';

const SETTINGS: LineRoomOptions['settings'] = {
  confirm: { by: 'fleet', within_s: 60 },
  reload: { argv: ['reload-it'], within_s: 5 },
};

t.test('each document has one outcome, also when a newer one has its place by then', async (t) => {
  const room = await lineRoom(t, { settings: SETTINGS });
  await room.give(wish(1, 'one\n'));
  await room.send({ version: 2, id: 'u-2', withdraw: true });
  room.clock.advance(60_000);
  await until('taken back', () => room.outcomes().includes('rolled-back 1'));
  t.same(room.outcomes(), ['withdrawn 2', 'rolled-back 1']);
  t.equal(room.content(), 'before\n');
  t.match(room.line.view('aim'), { running: { version: 0 }, pending: null, lastAttempt: { result: 'rolled-back' } });
  t.equal(room.trials.of('aim'), null);
});

t.test('the first error is kept, what follows is added', async (t) => {
  const room = await lineRoom(t, { settings: SETTINGS });
  room.hooks.answers.set('hook.reload', 'bad');
  await room.give(wish(1, 'one\n'));
  const reason = 'reload reload-it ended with 1: no such key; and then reload reload-it ended with 1: no such key';
  t.match(room.events.at(-1), { event: 'failed', code: 'inconsistent', reason });
  t.match(room.line.counters(), { outcomes: { failed: 1 } });
});

const HOOKS: LineRoomOptions['settings'] = {
  check: { argv: ['check-it', '{staged}'], within_s: 5 },
  reload: { argv: ['reload-it'], within_s: 5 },
  health: { tcp: '127.0.0.1:9', times: 1, every_s: 1, within_s: 20 },
};
const BY_FLEET: LineRoomOptions['settings'] = { confirm: { by: 'fleet', within_s: 60 } };
const names = (room: LineRoom) => room.events.map(({ event, version }) => `${event} ${version}`);
const waits = (room: LineRoom) => room.reports.at(-1)?.body.pending?.waiting_for.join();

t.test('a first move that fails: as it was before Locksmith', async (t) => {
  const room = await lineRoom(t, { settings: HOOKS });
  room.hooks.answers.set('hook.reload', () => (room.content() === 'bad\n' ? 'bad' : 'good'));
  await room.give(wish(1, 'bad\n'));
  t.equal(room.content(), 'before\n');
  t.match(room.reports.at(-1)?.body, { running: { version: 0, layer: null }, confirmed_by: null, pending: null });
});

t.test('a rollback that does not go well is loud', async (t) => {
  const room = await lineRoom(t, { settings: HOOKS });
  await room.give(wish(1, 'one\n'));
  room.hooks.answers.set('hook.reload', 'bad');
  await room.give(wish(2, 'two\n'));
  t.equal(room.content(), 'one\n');
  t.match(room.events.at(-1), {
    ...{ event: 'failed', version: 2, code: 'inconsistent', final: true },
    reason: /^reload reload-it ended with 1.*; and then reload reload-it/,
  });
});

t.test('a rollback the disk does not take is told once, and tried until it does', async (t) => {
  const room = await lineRoom(t, { settings: HOOKS });
  await room.give(wish(1, 'one\n'));
  const aside = `${room.etc}-aside`;
  room.hooks.answers.set('hook.reload', () => {
    if (room.content() !== 'two\n') return 'good';
    renameSync(room.etc, aside);
    return 'bad';
  });
  const given = room.give(wish(2, 'two\n'));
  await until('it is told', () => room.events.some(({ event }) => event === 'alarm'));
  await given;
  t.match(room.events.at(-1), { event: 'alarm', version: 2, code: 'inconsistent' });
  t.equal(waits(room), 'disk');
  room.clock.advance(5_000);
  room.line.wake('aim');
  await room.give(wish(2, 'two\n'));
  t.equal(room.events.filter(({ event }) => event === 'alarm').length, 1);
  renameSync(aside, room.etc);
  room.clock.advance(5_000);
  await until('taken back', () => room.outcomes().length === 2);
  t.equal(room.content(), 'one\n');
  t.same(room.outcomes(), ['applied 1', 'rolled-back 2']);
});

t.test('a newer one waits for the end of the trial, and has its own', async (t) => {
  const room = await lineRoom(t, { settings: BY_FLEET });
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  t.equal(room.content(), 'one\n');
  room.line.confirm('aim', 'u-1');
  await until('the second is on trial', () => names(room).filter((name) => name === 'applying 2').length === 2);
  t.equal(room.content(), 'two\n');
  t.match(room.line.view('aim').running, { version: 1 });
  room.clock.advance(60_000);
  await until('taken back', () => room.outcomes().length === 2);
  t.same(room.outcomes(), ['applied 1', 'rolled-back 2']);
  t.equal(room.content(), 'one\n');
});

t.test('a trial whose place a newer one has taken survives a restart', async (t) => {
  const room = await lineRoom(t, { settings: BY_FLEET });
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  const next = await room.reborn();
  t.match(next.events.slice(0, 2), [
    { event: 'rolled-back', version: 1 },
    { event: 'applying', version: 2 },
  ]);
  t.equal(next.content(), 'two\n');
});
