import t from 'tap';
import { resetClock } from '../../agent/hall/clock-reset.ts';
import { createClockFloor } from '../../agent/trust/clock-floor.ts';

t.test('forgets, and says who wanted it and why', async (t) => {
  const floor = createClockFloor(
    { bootId: 'b', wallMs: () => Date.UTC(2026, 0, 2), bootMs: () => 0, after: () => () => {}, turn: async () => {} },
    Date.UTC(2026, 0, 1),
  );
  floor.fold(floor.applied(Date.UTC(2036, 0, 1) / 1000));
  const said: unknown[] = [];
  const speak: Parameters<typeof resetClock>[1] = async (records, events) => {
    for (const record of records) floor.fold(record);
    said.push(...events);
  };
  t.same(await resetClock(floor, speak, 'jo', 'a wrong GPS'), {
    was: '2036-01-01T00:00:00.000Z',
    floor: '2026-01-01T00:00:00.000Z',
    clock: 'ok',
  });
  t.match(said, [{ event: 'clock', who: 'jo', reason: /2036-01-01.* by jo: a wrong GPS$/ }]);
});
