import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { lineRoom, wish } from '../fixtures/line-room.ts';
import { until } from '../fixtures/until.ts';

const kinds = (room: Awaited<ReturnType<typeof lineRoom>>) =>
  room.ledger.generations('aim').map(({ why, content }) => `${why} ${content.kind}`);

t.test('contents are put by once all is quiet, and outlive their documents', async (t) => {
  const room = await lineRoom(t);
  const kept = join(room.etc, '..', 'kept');
  await room.give(wish(1, 'one\n'));
  room.clock.advance(1_999);
  await room.give(wish(2, 'two\n'));
  room.clock.advance(1_999);
  t.same(kinds(room), ['original stored', 'update signed', 'update signed'], 'not while updates come in');
  room.clock.advance(1);
  await until('put by', () => kinds(room).every((kind) => kind.endsWith(' stored')));
  t.same(readdirSync(kept).sort(), ['before\n', 'one\n', 'two\n'].map(sha256).sort());

  await room.give(wish(3, 'three\n'));
  const again = await room.reborn();
  t.same(
    kinds(again),
    ['original stored', 'update stored', 'update stored', 'update signed'],
    'nothing is lost by a crash',
  );
  again.clock.advance(2_000);
  await until('put by after a restart', () => kinds(again).every((kind) => kind.endsWith(' stored')));
  t.ok(existsSync(join(kept, sha256('three\n'))));
});

t.test('a disk that does not take them is told of once and tried again', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  const kept = join(room.etc, '..', 'kept');
  rmSync(kept, { recursive: true });
  writeFileSync(kept, 'not a directory');
  room.clock.advance(2_000);
  await until('told of', () => room.troubles.length === 1);
  rmSync(kept);
  room.clock.advance(60_000);
  await until('put by', () => kinds(room).at(-1) === 'update stored');
  t.same(room.bugs, []);
  t.equal(room.troubles.length, 1);
  chmodSync(kept, 0o700);
});
