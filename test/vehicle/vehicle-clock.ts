import t from 'tap';
import { createVehicleClock } from '../../agent/vehicle/vehicle-clock.ts';

const WALL = Date.UTC(2026, 5, 1);

t.test('before it told its time, by the wall clock, at the pace of its own', async (t) => {
  const machine = { wallMs: WALL, bootMs: 0 };
  const clock = createVehicleClock({ wallMs: () => machine.wallMs, bootMs: () => machine.bootMs });
  t.equal(clock.unixMs(1000), WALL);
  machine.wallMs += 9_000;
  machine.bootMs += 9_000;
  t.equal(clock.unixMs(1100), WALL + 100, 'what comes late is not from later');
  machine.wallMs += 900;
  t.equal(clock.unixMs(1100), WALL + 100, 'a small correction moves nothing');
});

t.test(
  'a wall clock that was wrong and is set: from then on by the right one, unless the vehicle has told its time',
  async (t) => {
    const machine = { wallMs: WALL, bootMs: 0 };
    const clock = createVehicleClock({ wallMs: () => machine.wallMs, bootMs: () => machine.bootMs });
    clock.unixMs(1000);
    const hours = 7 * 3_600_000;
    machine.wallMs += hours + 60_000;
    machine.bootMs += 60_000;
    t.equal(clock.unixMs(61_000), WALL + hours + 60_000);
    t.equal(clock.unixMs(61_100), WALL + hours + 60_100, 'once');
    machine.wallMs -= 2 * hours;
    t.equal(clock.unixMs(61_000), WALL - hours + 60_000, 'back, too');
    const told = Date.UTC(2026, 0, 1);
    clock.told(told, 62_000);
    machine.wallMs += hours;
    t.equal(clock.unixMs(62_000), told, 'what it told stands');
  },
);

t.test('then by what it told', async (t) => {
  const clock = createVehicleClock({ wallMs: () => WALL, bootMs: () => 0 });
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
