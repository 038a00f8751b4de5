import t from 'tap';
import type { WireEvents } from '../../agent/ports/vehicle.ts';
import { keepOpen } from '../../agent/vehicle/keep-open.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

function scene() {
  const clock = manualClock();
  const opened: WireEvents[] = [];
  const closed: number[] = [];
  const said: string[] = [];
  const wire = {
    name: 'x',
    datagrams: false,
    open(events: WireEvents) {
      opened.push(events);
      const number = opened.length;
      return () => void closed.push(number);
    },
  };
  const cancel = keepOpen(
    wire,
    { clock, unit: () => 1 - Number.EPSILON },
    {
      opened: () => void said.push('opened'),
      bytes: () => {},
      ended: (why) => void said.push(why),
    },
  );
  const at = (index: number) => {
    const found = opened[index];
    if (found === undefined) throw new Error(`not opened ${index + 1} times`);
    return found;
  };
  return { clock, opened, closed, said, cancel, at };
}

t.test('opened again after a pause that doubles, up to half a minute', async (t) => {
  const { clock, opened, said, at } = scene();
  for (const [index, pauseMs] of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].entries()) {
    t.equal(opened.length, index + 1);
    at(index).ended('refused');
    clock.advance(pauseMs - 2);
    t.equal(opened.length, index + 1, `not before ${pauseMs} ms`);
    clock.advance(3);
  }
  t.same(new Set(said), new Set(['refused']));
});

t.test('one that lasted starts the pauses afresh; one that is cancelled stays closed', async (t) => {
  const { clock, opened, closed, said, cancel, at } = scene();
  at(0).ended('away');
  clock.advance(1000);
  at(1).ended('away');
  clock.advance(2000);
  at(2).opened();
  clock.advance(10_000);
  at(2).ended('pulled out');
  clock.advance(1000);
  t.equal(opened.length, 4, 'after a second, not four');
  cancel();
  t.same(closed, [4]);
  at(3).ended('closed');
  clock.advance(60_000);
  t.equal(opened.length, 4);
  t.same(said, ['away', 'away', 'opened', 'pulled out']);
});

t.test('cancelled during a pause, it is not opened again', async (t) => {
  const { clock, opened, cancel, at } = scene();
  at(0).ended('away');
  cancel();
  clock.advance(60_000);
  t.equal(opened.length, 1);
});
