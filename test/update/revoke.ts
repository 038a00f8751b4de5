import t from 'tap';
import { createLedger } from '../../agent/update/ledger.ts';
import { revoke } from '../../agent/update/revoke.ts';
import { lineRoom, wish } from '../fixtures/line-room.ts';
import { until } from '../fixtures/until.ts';

t.test('nothing is revoked', async (t) => {
  t.same(
    revoke(createLedger(), [], '', () => []),
    { records: [], events: [], dropped: [] },
  );
  t.match(
    revoke(createLedger(), ['k'], '', () => []),
    { records: [{ t: 'revoked', kids: ['k'] }], events: [], dropped: [] },
  );
});

t.test('what a key signed goes, with the marks that it alone had raised; what runs is resolved again', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(5, 'five\n'), 'good');
  await room.give(wish(100, 'stolen\n'), 'bad');
  t.equal(room.content(), 'stolen\n');
  const { line, ledger, events } = room;
  const revokeNow = async (kids: readonly string[]) => {
    const gone = line.revoke(kids);
    await room.speak(gone.records, gone.events);
    await room.rest();
    return gone;
  };
  t.match(await revokeNow(['bad']), { dropped: [{ version: 100 }], events: [] }, 'it had its outcome long ago');
  t.equal(room.content(), 'five\n', 'the last one of a key that counts is back');
  t.match(ledger.place('aim', 'all', 'base'), { mark: 5, latest: { version: 5 }, applied: null });
  t.match(await room.give(wish(5, 'other\n'), 'good'), { code: 'version-reused' });
  t.match(await room.give(wish(6, 'six\n'), 'good'), { kind: 'held' });
  t.equal(room.content(), 'six\n');
  await revokeNow(['good']);
  t.equal(room.content(), 'before\n', 'nothing is left: as it was before Locksmith');
  t.same(events.filter(({ event }) => event === 'alarm').length, 1);
  const again = await room.reborn();
  t.match(await again.give(wish(1, 'new\n'), 'good'), { kind: 'held' }, 'a key that is back starts afresh');
});

t.test('a mark that another key raised too stays, also through a restart', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(7, 'seven\n'), 'good');
  await room.give(wish(8, 'eight\n'), 'bad');
  await room.give(wish(9, 'nine\n'), 'bad');
  const gone = room.line.revoke(['bad']);
  await room.speak(gone.records, gone.events);
  await room.rest();
  t.equal(room.content(), 'before\n', 'version 7 was not kept');
  t.equal(room.ledger.mark('aim', 'all', 'base'), 7);
  const again = await room.reborn();
  t.match(await again.give(wish(7, 'seven\n'), 'good'), { code: 'replayed' });
  t.match(await again.give(wish(8, 'eight\n'), 'good'), { kind: 'held' });
});

t.test('one that waits ends as refused, once', async (t) => {
  const room = await lineRoom(t);
  room.locks.hot = true;
  await room.give(wish(1, 'one\n'), 'bad');
  const gone = room.line.revoke(['bad']);
  t.match(gone.events, [{ event: 'refused', code: 'unknown-key', version: 1, final: true, reason: /the key bad/ }]);
  await room.speak(gone.records, gone.events);
  await room.rest();
  t.same(room.outcomes(), ['refused 1']);
  t.match(room.line.view('aim'), { lastAttempt: { result: 'refused', code: 'unknown-key' }, pending: null });
  t.equal(room.line.counters().outcomes.refused, 1);
});

for (const [end, outcomes] of [
  ['proved', ['applied 1']],
  ['not proved', ['rolled-back 1']],
] as const) {
  t.test(`one that is on trial comes to its end first (${end}), and is gone after it`, async (t) => {
    const room = await lineRoom(t, { settings: { confirm: { by: 'link', within_s: 60 } } });
    await room.give(wish(1, 'one\n'), 'bad');
    t.equal(room.trials.of('aim')?.phase, 'confirm');
    const gone = room.line.revoke(['bad']);
    t.match(gone, { events: [], dropped: [{ version: 1 }] });
    await room.speak(gone.records, gone.events);
    await room.rest();
    t.equal(room.content(), 'one\n');
    if (end === 'proved') room.link.acknowledged = 7;
    if (end === 'proved') room.line.acknowledged();
    else room.clock.advance(60_000);
    await until('its end is told', () => room.outcomes().length > 0);
    await until('it is gone', () => room.content() === 'before\n');
    await room.rest();
    t.same([room.outcomes(), room.bugs], [outcomes, []]);
    t.match(room.reports.at(-1)?.body, { running: { version: 0 }, pending: null });
  });
}
