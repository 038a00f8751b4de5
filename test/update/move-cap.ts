import t from 'tap';
import { createMoveCap } from '../../agent/update/move-cap.ts';
import { lineRoom, wish } from '../fixtures/line-room.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { SIGNED_S } from '../fixtures/update.ts';

t.test('so many moves of a document within ten minutes, and no more', async (t) => {
  const clock = manualClock();
  const cap = createMoveCap(clock);
  const taken = Array.from({ length: 25 }, () => cap.take('aim', 'x')).filter(Boolean);
  t.equal(taken.length, 20);
  t.ok(cap.take('aim', 'y'), 'each document has its own');
  t.ok(cap.take('radio', 'x'));
  clock.advance(cap.withinMs - 1);
  t.notOk(cap.take('aim', 'x'));
  clock.advance(1);
  t.ok(cap.take('aim', 'x'));
});

t.test('a clock that flips between trusted and not does not wear the disk out', async (t) => {
  const trust: { now: 'ok' | 'untrusted' } = { now: 'untrusted' };
  const room = await lineRoom(t, { clockTrust: () => trust.now });
  await room.give(wish(1, 'one\n'));
  // Over by the clock, alive by the time it has been powered.
  await room.give({ ...wish(1, 'shadow\n'), id: 's-1', layer: 'shadow', iat: SIGNED_S - 600, until: SIGNED_S + 60 });
  room.clock.advance(61_000);
  let moves = 0;
  for (let flip = 0; flip < 60; flip += 1) {
    const before = room.content();
    trust.now = trust.now === 'ok' ? 'untrusted' : 'ok';
    room.line.wake('aim');
    await room.give(wish(1, 'one\n'));
    if (room.content() !== before) moves += 1;
  }
  t.ok(moves > 2 && moves <= 40, `${moves} moves`);
  t.ok(room.events.some(({ code }) => code === 'too-many-moves'));
  t.same(room.bugs, []);
});
