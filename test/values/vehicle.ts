import t from 'tap';
import { sayAgainst, sayVehicle } from '../../agent/values/vehicle.ts';
import { VEHICLE } from '../fixtures/vehicle.ts';

t.test('a vehicle in words', async (t) => {
  t.same(sayVehicle(VEHICLE, '5 min ago'), [
    ['vehicle', 'safe: disarmed and landed, since 5 min ago'],
    ['  from', 'mavlink udp://127.0.0.1:14550 system 1, 1234 messages'],
    ['  has', '3d fix, 12 satellites, battery 87 %, 15.9 V'],
  ]);
});

t.test('what is not known is left out, what is wrong is said', async (t) => {
  const blind = { fix: null, satellites: null, battery_percent: null, battery_v: null };
  const source = { source: 'gpsd tcp://127.0.0.1:2947', wire: 'connect ECONNREFUSED', messages: 0 };
  t.same(sayVehicle({ ...VEHICLE, ...blind, ...source }, 'now'), [
    ['vehicle', 'safe: disarmed and landed, since now'],
    ['  from', 'gpsd tcp://127.0.0.1:2947: connect ECONNREFUSED, 0 messages'],
  ]);
  t.same(sayVehicle({ ...VEHICLE, ...blind, fix: 'none' }, 'now').at(-1), ['  has', 'no fix']);
});

t.test('why it speaks against a change', async (t) => {
  t.equal(sayAgainst(VEHICLE), null);
  t.equal(sayAgainst({ safety: 'unsafe', reason: 'armed' }), 'the vehicle is not safe: armed');
  t.match(sayAgainst({ safety: 'unknown', reason: 'silent' }), 'not known to be safe: silent');
});
