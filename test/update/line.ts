import { renameSync } from 'node:fs';
import t from 'tap';
import { lineRoom, wish } from '../fixtures/line-room.ts';
import { latch, until } from '../fixtures/until.ts';
import { SIGNED_S, signedForm, update } from '../fixtures/update.ts';

t.test('a document from a file rests when its answer is given, also one seen before', async (t) => {
  const room = await lineRoom(t);
  t.match(await room.give(wish(1, 'one\n')), { kind: 'held' });
  t.equal(room.content(), 'one\n');
  t.match(await room.give(wish(1, 'one\n')), { kind: 'duplicate', held: { ended: 'applied' } });
  t.match(await room.give({ ...wish(1, 'one\n'), exp: SIGNED_S + 9 }), { kind: 'duplicate' });
  t.match(await room.give({ ...wish(2, 'two\n'), config: 'other' }), { kind: 'refusal', code: 'not-managed' });
  t.match(room.line.counters(), { outcomes: { applied: 1 }, duplicates: 2, refused: { 'not-managed': 1 } });
  t.same(room.bugs, []);
});

t.test('a slow config holds up no other', async (t) => {
  const room = await lineRoom(t, { configs: ['slow', 'quick'] });
  const hold = room.locks.hold;
  const gate = latch();
  room.locks.hold = async (config, section) => {
    if (config === 'slow') await gate.opened;
    return hold(config, section);
  };
  const slow = room.give(wish(1, 'slow\n', { config: 'slow' }));
  await room.give(wish(1, 'quick\n', { config: 'quick' }));
  t.equal(room.content('quick'), 'quick\n');
  t.equal(room.content('slow'), 'before\n');
  gate.open();
  await slow;
  t.equal(room.content('slow'), 'slow\n');
});

t.test('trouble with nothing to move is said once, and anew once a step has worked', async (t) => {
  const room = await lineRoom(t);
  const aside = `${room.etc}-aside`;
  renameSync(room.etc, aside);
  room.line.wake('aim');
  await until('the trouble', () => room.troubles.length === 1);
  room.clock.advance(5_000);
  room.line.wake('aim');
  await room.give(wish(1, 'one\n'));
  t.same(
    room.troubles.map(({ code }) => code),
    ['missing-directory'],
    'tried again and again, told once',
  );
  renameSync(aside, room.etc);
  room.clock.advance(5_000);
  await until('it is applied', () => room.content() === 'one\n');
});

t.test('what failed is tried again after a pause, without anybody asking', async (t) => {
  const room = await lineRoom(t);
  renameSync(room.etc, `${room.etc}-aside`);
  await room.give(wish(1, 'one\n'));
  t.match(room.line.view('aim').pending, { version: 1, waiting_for: ['disk'] });
  renameSync(`${room.etc}-aside`, room.etc);
  room.clock.advance(4_999);
  t.equal(room.content(), 'before\n');
  room.clock.advance(1);
  await until('it is applied', () => room.outcomes().length > 0);
  t.same(room.outcomes(), ['applied 1']);
  t.equal(room.content(), 'one\n');
  t.equal(room.line.view('aim').pending, null);
});

t.test('what time alone changes is looked at when it is due', async (t) => {
  const room = await lineRoom(t);
  await room.give({ ...wish(1, 'shadow\n'), layer: 'shadow', until: SIGNED_S + 3600 });
  t.equal(room.content(), 'shadow\n');
  room.clock.advance(3_599_000);
  await room.line.file(new Uint8Array());
  t.equal(room.content(), 'shadow\n');
  room.clock.advance(1_000);
  await until('it falls off', () => room.content() === 'before\n');
});

t.test('after stop nothing new is begun, but what is under way is ended', async (t) => {
  const room = await lineRoom(t);
  const hold = room.locks.hold;
  const gate = latch();
  const reached = latch();
  room.locks.hold = async (config, section) => {
    reached.open();
    await gate.opened;
    return hold(config, section);
  };
  await room.send(wish(1, 'one\n'));
  await reached.opened;
  const stopped = room.line.stop();
  await room.send(wish(2, 'two\n', { aud: 'dev/drone-7' }));
  gate.open();
  await stopped;
  t.equal(room.content(), 'one\n');
  t.same(room.outcomes(), ['applied 1'], 'the other is held, and taken up by the next life');
  const next = await room.reborn();
  t.equal(next.content(), 'two\n');
});

t.test('a person on the device lets an update pass a halt, and it is told who and why', async (t) => {
  const halt: { reason: string | null } = { reason: 'halt version 1 for all holds all updates' };
  const room = await lineRoom(t, { halted: (held) => (held.despiteHalt === undefined ? halt.reason : null) });
  await room.give(wish(1, 'one\n'));
  t.match(room.line.view('aim').pending, { version: 1, waiting_for: ['halt'] });
  t.equal(room.content(), 'before\n');
  const document = new TextEncoder().encode(signedForm(update(wish(1, 'one\n'))));
  await room.line.file(document, { who: 'kim', reason: 'I stand beside it' });
  t.equal(room.content(), 'one\n');
  t.match(
    room.events.filter(({ event }) => event === 'halted'),
    [
      {
        version: 1,
        config: 'aim',
        who: 'kim',
        reason: 'goes ahead: I stand beside it; halt version 1 for all holds all updates',
      },
    ],
  );
  await room.give(wish(2, 'two\n'));
  t.equal(room.content(), 'one\n', 'the next one waits again');
  halt.reason = null;
  await room.line.file(new TextEncoder().encode(signedForm(update(wish(2, 'two\n')))), { who: 'kim', reason: 'x' });
  t.equal(room.events.filter(({ event }) => event === 'halted').length, 1, 'nothing is told where no halt is');
});
