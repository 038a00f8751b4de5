import { readdirSync } from 'node:fs';
import t from 'tap';
import { gatesOf } from '../../agent/update/waiting.ts';
import { lineRoom, wish } from '../fixtures/line-room.ts';
import { until } from '../fixtures/until.ts';
import { SIGNED_S } from '../fixtures/update.ts';

t.test('gates are named once each, sorted', async (t) => {
  const unmet = (gate: 'window' | 'lock') => ({ gate, code: null, reason: '', key: '' });
  t.same(gatesOf([unmet('window'), unmet('lock'), unmet('window')]), ['lock', 'window']);
});

t.test('why a document waits is said once per document and holder', async (t) => {
  const room = await lineRoom(t);
  room.locks.hot = true;
  await room.give(wish(1, 'one\n'));
  room.line.wake('aim');
  await room.give(wish(1, 'one\n'));
  const refusals = room.events.filter(({ event }) => event === 'refused');
  t.match(refusals, [{ code: 'lock-mismatch', mismatch: 'hot', final: false, version: 1 }]);
  t.equal(refusals.length, 1);
  t.same(room.line.view('aim').pending, { id: 'u-1', version: 1, waiting_for: ['lock'] });
  t.equal(room.line.view('aim').lastAttempt?.result, 'refused');
});

t.test('on_hot: refuse ends the document', async (t) => {
  const room = await lineRoom(t, { onHot: 'refuse' });
  room.locks.hot = true;
  await room.give(wish(1, 'one\n'));
  t.match(room.events, [{ event: 'refused', code: 'lock-mismatch', mismatch: 'hot', final: true }]);
  t.equal(room.line.view('aim').pending, null);
  t.equal(room.content(), 'before\n');
});

t.test('what waits is given up when a newer one comes, with one outcome each', async (t) => {
  const room = await lineRoom(t);
  room.locks.hot = true;
  await room.give(wish(1, 'one\n'));
  await room.give(wish(2, 'two\n'));
  room.locks.hot = false;
  room.line.wake('aim');
  await room.give(wish(2, 'two\n'));
  t.same(room.outcomes(), ['superseded 1', 'applied 2']);
  t.equal(room.content(), 'two\n');
});

const NIGHT = { cron: '0 2 * * *', minutes: 60, tz: 'UTC' };
const HOUR_MS = 3_600_000;

/** A vehicle that is as it is told to be. */
function vehicle() {
  const state: { safety: 'safe' | 'unsafe'; reason: string } = { safety: 'unsafe', reason: 'armed' };
  return { state, door: { state: () => ({ ...state }), onChange: () => () => {} } };
}

t.test('all gates at once: each is told once, all that are shut are named, in order', async (t) => {
  const { state, door } = vehicle();
  const room = await lineRoom(t, { vehicle: door, settings: { window: NIGHT } });
  room.locks.hot = true;
  await room.give(wish(1, 'one\n'));
  t.same(room.line.view('aim').pending, { id: 'u-1', version: 1, waiting_for: ['lock', 'vehicle', 'window'] });
  t.match(room.line.view('aim').lastAttempt, {
    result: 'refused',
    code: 'lock-mismatch',
    reason: /^lock mismatch: .*armed/,
  });
  t.match(room.events, [
    { event: 'refused', code: 'lock-mismatch', final: false },
    { event: 'waiting', code: 'not-safe', reason: /armed; its window opens at 2026-01-01T02:00:00/ },
  ]);
  room.locks.hot = false;
  await room.give(wish(1, 'one\n'));
  t.same(room.line.view('aim').pending?.waiting_for, ['lock', 'vehicle', 'window'], 'a duplicate wakes nobody');
  room.line.wake('aim');
  await until('the lock is off the list', () => room.reports.at(-1)?.body.pending?.waiting_for.length === 2);
  t.match(room.reports.at(-1)?.body, {
    pending: { waiting_for: ['vehicle', 'window'] },
    last_attempt: { result: 'waiting', code: 'not-safe' },
  });
  room.locks.hot = true;
  room.line.wake('aim');
  await until('it is back on it', () => room.line.view('aim').pending?.waiting_for.length === 3);
  t.equal(room.events.length, 2, 'a lock that comes and goes meanwhile is shown, not told');
  state.safety = 'safe';
  room.clock.advance(2 * HOUR_MS);
  await until('only the lock is left', () => room.line.view('aim').pending?.waiting_for.join() === 'lock');
  await until('now it is told', () => room.events.length === 3);
  t.match(room.events[2], { event: 'refused', code: 'lock-mismatch', final: false });
  room.locks.hot = false;
  room.line.wake('aim');
  await until('it is applied', () => room.content() === 'one\n');
});

t.test('a window opens by itself, and what still waits is on the list again when it shuts', async (t) => {
  const room = await lineRoom(t, { settings: { window: NIGHT } });
  await room.give(wish(1, 'one\n'));
  t.match(room.events, [{ event: 'waiting', version: 1, reason: 'its window opens at 2026-01-01T02:00:00.000Z' }]);
  t.notOk('code' in (room.events[0] ?? {}));
  room.locks.hot = true;
  room.clock.advance(2 * HOUR_MS);
  await until('the lock', () => room.line.view('aim').pending?.waiting_for.join() === 'lock');
  await until('shut again', () => {
    // Bit by bit: the step may not have set its timer yet.
    room.clock.advance(60_000);
    return room.line.view('aim').pending?.waiting_for.join() === 'lock,window';
  });
  room.locks.hot = false;
  await until('it is applied', () => {
    room.clock.advance(600_000);
    return room.outcomes().includes('applied 1');
  });
  t.equal(room.content(), 'one\n');
  t.same(room.outcomes(), ['applied 1']);
});

t.test('a clock that is not trusted opens no window; one that is trusted again does', async (t) => {
  const trust: { now: 'ok' | 'untrusted' } = { now: 'untrusted' };
  const midnight = { cron: '0 0 * * *', minutes: 60, tz: 'UTC' };
  const room = await lineRoom(t, { clockTrust: () => trust.now });
  await room.give({ ...wish(1, 'one\n'), when: { window: midnight } });
  t.match(room.line.view('aim'), { pending: { waiting_for: ['clock'] }, lastAttempt: { code: 'clock-untrusted' } });
  trust.now = 'ok';
  room.line.wake('aim');
  await until('it is applied', () => room.content() === 'one\n');
  trust.now = 'untrusted';
  await room.give(wish(2, 'two\n'));
  t.equal(room.content(), 'two\n', 'without a window the version is enough');
});

t.test('a vehicle that arms before the first rename stops the commit; nothing is left of it', async (t) => {
  const { state, door } = vehicle();
  state.safety = 'safe';
  const room = await lineRoom(t, { vehicle: door });
  const hold = room.locks.hold;
  room.locks.hold = (config, section) =>
    hold(config, (grant) => {
      state.safety = 'unsafe';
      return section(grant);
    });
  await room.give({ ...wish(1, 'one\n'), expect: { token: 5 } });
  t.equal(room.content(), 'before\n');
  t.same(room.line.view('aim').pending?.waiting_for, ['vehicle']);
  t.same(readdirSync(room.etc), ['aim.conf']);
  t.equal(room.ledger.intent('aim'), null);
  state.safety = 'safe';
  room.locks.hold = hold;
  room.line.wake('aim');
  await until('applied, for the token moved by nobody else', () => room.content() === 'one\n');
});

t.test('a halt holds what is new; what has fallen off goes all the same', async (t) => {
  const halt: { reason: string | null } = { reason: null };
  const room = await lineRoom(t, { halted: ({ version }) => (version > 1 ? halt.reason : null) });
  await room.give(wish(1, 'one\n'));
  await room.give({ ...wish(1, 'shadow\n'), id: 's-1', layer: 'shadow', until: SIGNED_S + 60 });
  halt.reason = 'halted by ops';
  await room.give(wish(2, 'two\n'));
  room.clock.advance(61_000);
  await until('the shadow falls off', () => room.content() === 'one\n');
  await until('version 2 waits', () => room.line.view('aim').pending?.version === 2);
  t.match(room.line.view('aim'), { running: { version: 1 }, pending: { id: 'u-2', waiting_for: ['halt'] } });
  halt.reason = null;
  room.line.wake('aim');
  await until('lifted', () => room.outcomes().includes('applied 2'));
  t.equal(room.content(), 'two\n');
  t.same(room.outcomes(), ['applied 1', 'applied 1', 'applied 2']);
});
