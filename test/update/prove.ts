import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type LineRoom, type LineRoomOptions, lineRoom, wish } from '../fixtures/line-room.ts';
import { latch, until } from '../fixtures/until.ts';
import { SIGNED_S } from '../fixtures/update.ts';

const HOOKS: LineRoomOptions['settings'] = {
  check: { argv: ['check-it', '{staged}'], within_s: 5 },
  reload: { argv: ['reload-it'], within_s: 5 },
  health: { tcp: '127.0.0.1:9', times: 1, every_s: 1, within_s: 20 },
};
const BY_LINK: LineRoomOptions['settings'] = { confirm: { by: 'link', within_s: 60 } };
const BY_FLEET: LineRoomOptions['settings'] = { confirm: { by: 'fleet', within_s: 60 } };
const names = (room: LineRoom) => room.events.map(({ event, version }) => `${event} ${version}`);
const waits = (room: LineRoom) => room.reports.at(-1)?.body.pending?.waiting_for.join();

t.test('checked, put in place, reloaded, well: only then it runs and is applied', async (t) => {
  const room = await lineRoom(t, { settings: HOOKS });
  const gate = latch();
  room.hooks.answers.set('hook.reload', async () => {
    await gate.opened;
    return 'good' as const;
  });
  const given = room.give(wish(1, 'one\n'));
  await until('it is reloaded', () => room.hooks.asked.some((asked) => asked === 'hook.reload reload-it'));
  t.equal(room.content(), 'one\n');
  t.same(names(room), ['applying 1']);
  t.match(room.reports.at(-1)?.body, {
    running: { version: 0 },
    pending: { id: 'u-1', version: 1, waiting_for: ['confirm'] },
    last_attempt: { result: 'waiting' },
    confirmed_by: null,
  });
  gate.open();
  await given;
  t.same(names(room), ['applying 1', 'applied 1']);
  t.match(room.reports.at(-1)?.body, { running: { version: 1 }, pending: null, confirmed_by: 'health' });
  t.match(room.hooks.asked, [
    /^hook\.check check-it .*\/etc\/\.aim\.conf\.\w+\.locksmith$/,
    'hook.reload reload-it',
    'hook.health 127.0.0.1:9',
  ]);
  await room.give(wish(2, 'one\n'));
  t.match(room.events.at(-1), { event: 'applied', version: 2, changed: false });
  t.equal(room.hooks.asked.length, 3, 'equal bytes: nobody is asked');
});

t.test('check says no: nothing was touched, and this content is not tried again by itself', async (t) => {
  const room = await lineRoom(t, { settings: HOOKS });
  room.hooks.answers.set('hook.check', 'bad');
  await room.give(wish(1, 'one\n'));
  t.match(room.events, [
    { event: 'refused', code: 'check-failed', final: true, reason: 'check check-it ended with 1: no such key' },
  ]);
  t.equal(room.content(), 'before\n');
  t.same(readdirSync(room.etc), ['aim.conf']);
  room.hooks.answers.clear();
  await room.give(wish(2, 'one\n'));
  t.match(room.events.at(-1), { event: 'refused', version: 2, code: 'known-bad', final: true });
  const next = await room.reborn();
  await next.give(wish(3, 'one\n'));
  t.match(next.events.at(-1), { event: 'refused', version: 3, code: 'known-bad' }, 'also after a restart');
  await next.give(wish(4, 'other\n'));
  t.equal(next.content(), 'other\n');
  await next.give({ ...wish(5, 'one\n'), retry: true });
  t.match(next.events.at(-1), { event: 'applied', version: 5 });
  await next.give(wish(6, 'other\n'));
  await next.give(wish(7, 'one\n'));
  t.match(next.events.at(-1), { event: 'applied', version: 7 }, 'it has proved itself');
});

t.test('a check that cannot be started refuses, and blames nobody', async (t) => {
  const room = await lineRoom(t, { settings: HOOKS });
  room.hooks.answers.set('hook.check', 'not-started');
  await room.give(wish(1, 'one\n'));
  t.match(room.events, [{ event: 'refused', code: 'check-failed' }]);
  room.hooks.answers.clear();
  await room.give(wish(2, 'one\n'));
  t.equal(room.content(), 'one\n');
});

for (const [hook, code] of [
  ['hook.reload', 'reload-failed'],
  ['hook.health', 'health-failed'],
] as const) {
  t.test(`${code}: marked, taken back, the consumer told again, and the first error is what is said`, async (t) => {
    const room = await lineRoom(t, { settings: HOOKS });
    await room.give(wish(1, 'one\n'));
    const asked = room.hooks.asked.length;
    room.hooks.answers.set(hook, () => (room.content() === 'bad\n' ? 'bad' : 'good'));
    const given = room.give(wish(2, 'bad\n'));
    while (room.outcomes().length < 2) {
      room.clock.advance(1_000);
      await new Promise(setImmediate);
    }
    await given;
    t.equal(room.content(), 'one\n');
    t.match(room.events.slice(2), [
      { event: 'applying', version: 2 },
      { event: 'rolled-back', version: 2, code, final: true, reason: /no such key/ },
    ]);
    t.match(room.reports.at(-1)?.body, {
      running: { version: 1 },
      last_attempt: { version: 2, result: 'rolled-back', code },
      pending: null,
    });
    const [last] = room.hooks.asked.slice(asked).slice(-1);
    t.equal(last, 'hook.reload reload-it');
    t.same(room.outcomes(), ['applied 1', 'rolled-back 2']);
    t.match(room.ledger.generations('aim').at(-1), { outcome: 'rolled-back', document: { version: 2 } });
    await room.give(wish(3, 'bad\n'));
    t.match(room.events.at(-1), { event: 'refused', version: 3, code: 'known-bad' });
    const next = await room.reborn();
    t.equal(next.content(), 'one\n');
    t.match(next.line.view('aim').running, { version: 1 });
  });
}

t.test('by link: binds if there was one, and needs the broker to have the report', async (t) => {
  const room = await lineRoom(t, { settings: BY_LINK });
  await room.give(wish(1, 'one\n'));
  t.equal(room.content(), 'one\n');
  t.same(names(room), ['applying 1', 'applying 1']);
  t.equal(waits(room), 'confirm');
  room.link.acknowledged = 6;
  room.line.acknowledged();
  await room.give(wish(1, 'one\n'));
  t.equal(waits(room), 'confirm', 'it has not the one that counts');
  room.link.acknowledged = 7;
  room.line.acknowledged();
  await until('applied', () => room.outcomes().length === 1);
  t.match(room.reports.at(-1)?.body, { running: { version: 1 }, confirmed_by: 'link', pending: null });
});

t.test('by link: without one its health has to do', async (t) => {
  const room = await lineRoom(t, { settings: BY_LINK });
  room.link.isUp = false;
  await room.give(wish(1, 'one\n'));
  t.match(room.reports.at(-1)?.body, { running: { version: 1 }, confirmed_by: 'none' });
  const well = await lineRoom(t, { settings: { ...BY_LINK, ...HOOKS } });
  well.link.isUp = false;
  await well.give(wish(1, 'one\n'));
  t.match(well.reports.at(-1)?.body, { running: { version: 1 }, confirmed_by: 'health' });
});

t.test('not confirmed in time: taken back, not marked as bad, not tried again by itself', async (t) => {
  const room = await lineRoom(t, { settings: BY_LINK });
  await room.give(wish(1, 'one\n'));
  room.clock.advance(59_999);
  await room.give(wish(1, 'one\n'));
  t.equal(room.content(), 'one\n');
  room.clock.advance(1);
  await until('taken back', () => room.outcomes().length === 1);
  t.match(room.events.at(-1), {
    event: 'rolled-back',
    code: 'unconfirmed',
    reason: /could not be reached within 60 s/,
  });
  t.equal(room.content(), 'before\n');
  room.link.acknowledged = 7;
  room.line.acknowledged();
  await room.give(wish(1, 'one\n'));
  t.equal(room.content(), 'before\n');
  await room.give(wish(2, 'one\n'));
  await until('a higher version is tried', () => room.outcomes().includes('applied 2'));
});

t.test('by fleet: bound to the update', async (t) => {
  const room = await lineRoom(t, { settings: BY_FLEET });
  await room.give(wish(1, 'one\n'));
  t.match(room.line.confirm('aim', 'another'), { code: 'no-such-update' });
  room.link.acknowledged = 99;
  room.line.acknowledged();
  await room.give(wish(1, 'one\n'));
  t.equal(waits(room), 'confirm', 'the link is not the fleet');
  t.equal(room.line.confirm('aim', 'u-1'), null);
  await until('applied', () => room.outcomes().length === 1);
  t.match(room.reports.at(-1)?.body, { confirmed_by: 'fleet' });
  t.match(room.line.confirm('aim', 'u-1'), { code: 'no-such-update' }, 'once');
});

t.test('the fleet takes back what is on trial, and what runs', async (t) => {
  const room = await lineRoom(t, { settings: BY_FLEET });
  await room.give(wish(1, 'one\n'));
  t.equal(await room.line.rollBack('aim', 'u-1'), null);
  await until('taken back', () => room.outcomes().length === 1);
  t.match(room.events.at(-1), { event: 'rolled-back', version: 1, reason: 'the fleet has taken it back' });
  t.equal(room.content(), 'before\n');
  for (const version of [2, 3]) {
    await room.give(wish(version, `${version}\n`));
    room.line.confirm('aim', `u-${version}`);
    await until('confirmed', () => room.outcomes().includes(`applied ${version}`));
  }
  t.match(await room.line.rollBack('aim', 'u-2'), { code: 'no-such-update' }, 'it runs no more');
  t.equal(await room.line.rollBack('aim', 'u-3'), null);
  await until('version 2 is back', () => room.reports.at(-1)?.body.running.version === 2);
  t.equal(room.content(), '2\n');
  await room.give(wish(3, '3\n'));
  t.equal(room.content(), '2\n', 'the same document again changes nothing');
});

t.test('a restart inside the window takes it back', async (t) => {
  for (const settings of [BY_LINK, BY_FLEET, HOOKS]) {
    const room = await lineRoom(t, { settings });
    const gate = latch();
    room.hooks.answers.set('hook.reload', async () => {
      await gate.opened;
      return 'good' as const;
    });
    void room.give(wish(1, 'one\n'));
    await until('it is in place', () => room.events.some(({ event }) => event === 'applying'));
    const next = await room.reborn();
    t.equal(next.content(), 'before\n');
    t.match(next.events, [{ event: 'rolled-back', code: 'unconfirmed', reason: /ended before it was confirmed/ }]);
    t.match(next.line.view('aim').running, { version: 0 });
  }
});

t.test('a document can make it stricter, not easier', async (t) => {
  const room = await lineRoom(t, { settings: BY_LINK });
  await room.give({ ...wish(1, 'one\n'), confirm: { by: 'fleet', within_s: 600 } });
  room.link.acknowledged = 7;
  room.line.acknowledged();
  room.clock.advance(59_999);
  t.equal(waits(room), 'confirm');
  room.clock.advance(1);
  await until('in 60 s', () => room.outcomes().length === 1);
  t.match(room.events.at(-1), { reason: 'the fleet did not confirm it within 60 s' });
});

t.test('the vehicle: no hook and no rollback in the air, unless the settings say so', async (t) => {
  for (const inFlight of [false, true]) {
    const state: { safety: 'safe' | 'unsafe'; reason: string } = { safety: 'safe', reason: 'landed' };
    const vehicle = { state: () => ({ ...state }), onChange: () => () => {} };
    const settings = { ...HOOKS, ...BY_LINK, ...(inFlight ? { rollback_in_flight: true } : {}) };
    const room = await lineRoom(t, { settings, vehicle });
    await room.give(wish(1, 'one\n'));
    t.equal(waits(room), 'confirm');
    state.safety = 'unsafe';
    room.clock.advance(60_000);
    if (inFlight) {
      await until('taken back', () => room.outcomes().length === 1);
      t.notOk(names(room).includes('rollback-deferred 1'));
    } else {
      await until('deferred', () => names(room).includes('rollback-deferred 1'));
      t.equal(room.content(), 'one\n');
      t.equal(waits(room), 'vehicle');
      const next = await room.reborn();
      t.equal(next.content(), 'one\n', 'still in the air after a restart');
      state.safety = 'safe';
      next.line.wake('aim');
      await until('taken back', () => next.outcomes().length === 1);
      t.match(next.events.at(-1), { event: 'rolled-back', code: 'unconfirmed' });
      t.equal(next.content(), 'before\n');
    }
  }
});

t.test('armed between the renames and the reload: the hooks wait for the landing', async (t) => {
  const state: { safety: 'safe' | 'unsafe'; reason: string } = { safety: 'safe', reason: 'landed' };
  const vehicle = { state: () => ({ ...state }), onChange: () => () => {} };
  const room = await lineRoom(t, { settings: HOOKS, vehicle });
  const hold = room.locks.hold;
  room.locks.hold = async (config, section) => {
    const held = await hold(config, section);
    state.safety = 'unsafe';
    return held;
  };
  await room.give(wish(1, 'one\n'));
  t.equal(room.content(), 'one\n');
  t.equal(waits(room), 'vehicle');
  t.notOk(room.hooks.asked.includes('hook.reload reload-it'));
  state.safety = 'safe';
  room.line.wake('aim');
  await until('applied', () => room.outcomes().includes('applied 1'));
});

t.test('a HOT lock holds a rollback up', async (t) => {
  const room = await lineRoom(t, { settings: BY_LINK });
  await room.give(wish(1, 'one\n'));
  room.locks.hot = true;
  room.clock.advance(60_000);
  await until('it waits', () => waits(room) === 'lock');
  t.match(room.events.at(-1), { event: 'waiting', code: 'lock-mismatch' });
  t.equal(room.content(), 'one\n');
  room.locks.hot = false;
  room.line.wake('aim');
  await until('taken back', () => room.content() === 'before\n');
});

t.test('what falls back is reloaded too; if that fails it stays, and is told', async (t) => {
  const room = await lineRoom(t, { settings: HOOKS });
  await room.give(wish(1, 'one\n'));
  await room.give({ ...wish(1, 'shadow\n'), id: 's-1', layer: 'shadow', until: SIGNED_S + 60 });
  room.hooks.asked.length = 0;
  room.hooks.answers.set('hook.reload', 'bad');
  room.clock.advance(61_000);
  await until('the base is back', () => room.events.some(({ event }) => event === 'alarm'));
  t.same(room.hooks.asked, ['hook.reload reload-it']);
  t.match(
    room.events.slice(-3),
    [
      { event: 'alarm', code: 'reload-failed' },
      { event: 'expired', update: 's-1' },
      { event: 'applied', version: 1, reason: 'nothing stands above it any more' },
    ].sort((a, b) => (a.event === 'expired' ? -1 : 0) - (b.event === 'expired' ? -1 : 0)),
  );
  room.hooks.answers.clear();
  await room.give(wish(2, 'two\n'));
  await room.give(wish(3, 'one\n'));
  t.equal(room.content(), 'one\n', 'it is not marked as bad');
});

t.test('a content that failed elsewhere does not come back from below', async (t) => {
  const room = await lineRoom(t, { settings: HOOKS });
  await room.give(wish(1, 'A\n'));
  await room.give({ ...wish(1, 'B\n'), id: 's-1', layer: 'shadow', until: SIGNED_S + 600 });
  room.hooks.answers.set('hook.reload', () => (room.content() === 'A\n' ? 'bad' : 'good'));
  await room.give({ ...wish(2, 'A\n'), id: 's-2', layer: 'shadow', until: SIGNED_S + 600 });
  t.match(room.events.at(-1), { event: 'rolled-back', update: 's-2' });
  room.clock.advance(601_000);
  await until('neither the shadow nor the bad base', () => room.reports.at(-1)?.body.running.layer === null);
  t.equal(room.content(), 'before\n');
});

t.test('a set of several files comes back whole, with the one that was not there gone again', async (t) => {
  const room = await lineRoom(t, { settings: BY_LINK });
  writeFileSync(join(room.etc, 'aim.conf'), 'edited by hand\n');
  chmodSync(join(room.etc, 'aim.conf'), 0o640);
  await room.give(wish(1, 'one\n'));
  room.clock.advance(60_000);
  await until('taken back', () => room.outcomes().length === 1);
  t.equal(room.content(), 'edited by hand\n', 'what was there, whoever wrote it');
});
