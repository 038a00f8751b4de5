import t from 'tap';
import { createFlight } from '../../../agent/vehicle/mavlink/flight.ts';
import { createVehicleClock } from '../../../agent/vehicle/vehicle-clock.ts';
import { ourFrame } from '../../fixtures/mavlink.ts';

const WALL = Date.UTC(2026, 5, 1);
const PLACE = { time_boot_ms: 1000, lat: 474_000_000, lon: -85_000_000, alt: 500_250, relative_alt: 20_000 };
const MOVES = { vx: 150, vy: -200, vz: 50, hdg: 35_999 };

const open = () => createFlight(createVehicleClock({ wallMs: () => WALL, bootMs: () => 0 }));

t.test("a position, in degrees and metres, at the vehicle's own time", async (t) => {
  const flight = open();
  t.same(flight.take(ourFrame('GLOBAL_POSITION_INT', { ...PLACE, ...MOVES }), 0), {
    ...{ bootMs: 1000, unixMs: WALL, latDeg: 47.4, lonDeg: -8.5, altM: 500.25 },
    velocity: { northMps: 1.5, eastMps: -2, downMps: 0.5 },
    ...{ headingDeg: 359.99, accuracyM: null },
  });
  flight.take(ourFrame('GPS_RAW_INT', { fix_type: 3, satellites_visible: 14, h_acc: 850 }), 0);
  flight.take(ourFrame('SYSTEM_TIME', { time_unix_usec: Date.UTC(2026, 0, 1) * 1000, time_boot_ms: 1500 }), 0);
  const next = flight.take(ourFrame('GLOBAL_POSITION_INT', { ...PLACE, time_boot_ms: 1700, hdg: 65_535 }), 0);
  t.match(next, { unixMs: Date.UTC(2026, 0, 1) + 200, headingDeg: null, accuracyM: 0.85 });
});

t.test('without a fix there is no position', async (t) => {
  t.equal(open().take(ourFrame('GLOBAL_POSITION_INT', { ...PLACE, lat: 0, lon: 0 }), 0), null);
  t.ok(open().take(ourFrame('GLOBAL_POSITION_INT', { ...PLACE, lat: 0 }), 0), 'on the equator there is');
  for (const [type, counts] of [0, 1, 2, 3, 6].map((type) => [type, type > 1] as const)) {
    const flight = open();
    const isTold = (atMs: number) => flight.take(ourFrame('GLOBAL_POSITION_INT', PLACE), atMs) !== null;
    t.ok(isTold(0), 'a vehicle that never says whether it has one may find its way by something else');
    flight.take(ourFrame('GPS_RAW_INT', { fix_type: type }), 0);
    t.equal(isTold(5000), counts, `type ${type}`);
    t.ok(isTold(5001), 'and one that says so no more');
  }
});

t.test('fix and satellites, for as long as they are said', async (t) => {
  const flight = open();
  t.equal(flight.fix(0), null);
  for (const [type, kind] of [
    [0, 'none'],
    [1, 'none'],
    [2, '2d'],
    [3, '3d'],
    [6, '3d'],
  ] as const) {
    flight.take(ourFrame('GPS_RAW_INT', { fix_type: type, satellites_visible: 255 }), 0);
    t.same(flight.fix(5000), { kind, satellites: null }, `type ${type}`);
  }
  t.equal(flight.fix(5001), null);
});

t.test('a battery that is not measured is unknown, not empty', async (t) => {
  const flight = open();
  t.equal(flight.battery(0), null);
  flight.take(ourFrame('SYS_STATUS', { battery_remaining: -1, voltage_battery: 65_535 }), 0);
  t.same(flight.battery(0), { percent: null, volts: null });
  flight.take(ourFrame('BATTERY_STATUS', { id: 1, battery_remaining: 5 }), 0);
  t.same(flight.battery(0), { percent: null, volts: null }, 'another battery');
  flight.take(ourFrame('BATTERY_STATUS', { id: 0, battery_remaining: 77 }), 0);
  t.same(flight.battery(0), { percent: 77, volts: null });
  flight.take(ourFrame('SYS_STATUS', { battery_remaining: 0, voltage_battery: 14_800 }), 0);
  t.same(flight.battery(0), { percent: 0, volts: 14.8 });
  t.equal(flight.battery(5001), null);
});

t.test('the correction needs a target and where the vehicle was at its time', async (t) => {
  const flight = open();
  const target = { time_boot_ms: 1000, lat_int: 474_010_000, lon_int: -85_000_000, alt: 500.25, coordinate_frame: 5 };
  const over = (more: Readonly<Record<string, number>>, atMs: number) =>
    flight.take(ourFrame('POSITION_TARGET_GLOBAL_INT', { ...target, ...more }), atMs);
  t.equal(flight.correctionM(0), null);
  over({}, 0);
  t.equal(flight.correctionM(0), null);
  flight.take(ourFrame('GLOBAL_POSITION_INT', PLACE), 1000);
  t.ok(Math.abs((flight.correctionM(1000) ?? 0) - 111.2) < 1, `${flight.correctionM(1000)}`);
  t.equal(flight.correctionM(5001), null, 'a target of five seconds ago is none');
  over({ alt: 25, coordinate_frame: 6, type_mask: 3 }, 5001);
  t.equal(flight.correctionM(5001), 5, 'above home');
  over({ type_mask: 7 }, 5001);
  t.equal(flight.correctionM(5001), null, 'the mask leaves nothing of it');
  flight.take(ourFrame('LOCAL_POSITION_NED', { time_boot_ms: 1000, x: 1, y: 1, z: -5 }), 5001);
  const local = { time_boot_ms: 1000, x: 4, y: 5, z: -5, coordinate_frame: 1 };
  flight.take(ourFrame('POSITION_TARGET_LOCAL_NED', local), 5001);
  t.equal(flight.correctionM(5001), 5, 'then by its own origin');
});

t.test('20 m/s, right where it is to be: nothing has to be corrected, whenever it is asked', async (t) => {
  const flight = open();
  // Seconds, and units of 10^-7 degrees: 20 m/s to the north.
  const lat = (ms: number) => Math.round(474_000_000 + (ms / 1000) * 20 * (1e7 / 111_195));
  const asked: (number | null)[] = [];
  for (let ms = 0; ms <= 5_000; ms += 10) {
    const at = { ...PLACE, time_boot_ms: ms, lat: lat(ms), vx: 2_000 };
    // Ten positions a second and two targets, which are told 40 ms later than they are.
    if (ms % 100 === 0) flight.take(ourFrame('GLOBAL_POSITION_INT', at), ms);
    const target = { time_boot_ms: ms - 40, lat_int: lat(ms - 40), lon_int: PLACE.lon, alt: 500.25 };
    if (ms % 500 === 90) flight.take(ourFrame('POSITION_TARGET_GLOBAL_INT', target), ms);
    asked.push(flight.correctionM(ms));
  }
  const known = asked.filter((metres) => metres !== null);
  t.equal(known.length, 491, 'from the first position after a target on');
  t.ok(Math.max(...known) < 0.03, `${Math.max(...known)} m`);
});

t.test('the mission item it flies to', async (t) => {
  const flight = open();
  flight.take(ourFrame('MISSION_CURRENT', { seq: 12 }), 0);
  t.same([flight.missionItem(5000), flight.missionItem(5001)], [12, null]);
  t.equal(flight.take(ourFrame('HEARTBEAT', {}), 0), null);
});
