import t from 'tap';
import { hostTargets } from '../../agent/host/targets.ts';
import { createMoveCap } from '../../agent/update/move-cap.ts';
import { lineRoom, wish } from '../fixtures/line-room.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { SIGNED_S } from '../fixtures/update.ts';

/** The pace at which the line tries again. */
const RETRY_MS = 5_000;

t.test('so many moves of a document within ten minutes, and no more', async (t) => {
  const clock = manualClock();
  const cap = createMoveCap(clock);
  const [x, y] = [{ hash: 'x' }, { hash: 'y' }];
  for (let move = 0; move < 20; move += 1) {
    t.notOk(cap.isReached('aim', x));
    cap.count('aim', x);
  }
  t.ok(cap.isReached('aim', x));
  t.notOk(cap.isReached('aim', y), 'each document has its own');
  t.notOk(cap.isReached('aim', null), 'so has what was there before');
  t.notOk(cap.isReached('radio', x));
  clock.advance(cap.withinMs - 1);
  t.ok(cap.isReached('aim', x));
  clock.advance(1);
  t.notOk(cap.isReached('aim', x));
});

t.test('a stream of documents leaves no trace, and hides none that goes round in it', async (t) => {
  const cap = createMoveCap(manualClock());
  for (let n = 0; n < 10_000; n += 1) {
    cap.count('aim', { hash: `${n}` });
    if (n % 100 === 0 && n < 2000) cap.count('aim', { hash: 'again' });
    if (n === 1950) t.ok(cap.isReached('aim', { hash: 'again' }));
  }
  t.ok(cap.size() <= 256, `${cap.size()} remembered`);
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

t.test('what could not be put in place is no move: a disk that is full for long is waited for', async (t) => {
  const disk = { full: true };
  const targets = hostTargets({
    async sync() {
      if (disk.full) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    },
  });
  const room = await lineRoom(t, { targets });
  await room.give(wish(1, 'one\n'));
  for (let tries = 0; tries < 40; tries += 1) {
    room.clock.advance(RETRY_MS);
    await room.rest();
  }
  t.same(room.outcomes(), []);
  t.equal(room.content(), 'before\n');
  disk.full = false;
  room.clock.advance(RETRY_MS);
  await room.rest();
  t.same(room.outcomes(), ['applied 1']);
  t.equal(room.content(), 'one\n');
  t.same(room.bugs, []);
});
