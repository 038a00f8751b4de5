import t from 'tap';
import { createVehicleClock } from '../../agent/vehicle/vehicle-clock.ts';

const WALL = Date.UTC(2026, 5, 1);

t.test('before it told its time, by the wall clock, at the pace of its own', async (t) => {
  let wallMs = WALL;
  const clock = createVehicleClock(() => wallMs);
  t.equal(clock.unixMs(1000), WALL);
  wallMs += 9_999_999;
  t.equal(clock.unixMs(1100), WALL + 100, 'a wall clock that jumps moves nothing');
});

t.test('then by what it told', async (t) => {
  const clock = createVehicleClock(() => WALL);
  clock.told(0, 500);
  t.equal(clock.unixMs(1000), WALL, '1970 is no time');
  const told = Date.UTC(2026, 0, 1);
  clock.told(told, 5000);
  t.equal(clock.unixMs(6000), told + 1000);
  clock.told(told + 10_400, 15_000);
  t.equal(clock.unixMs(6000), told + 1000, 'off by less than a second: not moved in mid-flight');
  clock.told(told + 12_000, 15_000);
  t.equal(clock.unixMs(15_000), told + 12_000, 'off by more: it was wrong');
  clock.restarted();
  t.equal(clock.unixMs(10), WALL, 'a new life');
});
