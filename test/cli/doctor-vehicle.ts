import t from 'tap';
import { lookAtVehicle } from '../../agent/cli/doctor-vehicle.ts';
import { settingsWith } from '../fixtures/settings.ts';
import { VEHICLE } from '../fixtures/vehicle.ts';

t.test('each state of the vehicle, and what to do about it', async (t) => {
  const settings = settingsWith({ vehicle: { mavlink: { listen: 'udp://127.0.0.1:14550', system: 1 } } });
  const look = (view: typeof VEHICLE | null) => lookAtVehicle(settings, view)[0];
  t.match(lookAtVehicle(settingsWith({}), null), [{ health: 'ok', words: 'none in the settings' }]);
  t.match(look(null), { health: 'unknown', remedy: /^systemctl start/ });
  t.match(look(VEHICLE), { health: 'ok', words: 'safe: disarmed and landed; from mavlink udp:', remedy: null });
  t.match(
    look({ ...VEHICLE, safety: 'unsafe', reason: 'armed' }),
    { health: 'ok', words: /^unsafe: armed/ },
    'no fault',
  );
  t.match(look({ ...VEHICLE, wire: 'bind EADDRINUSE' }), { health: 'warning', words: /: bind EADDRINUSE$/ });
  t.match(look({ ...VEHICLE, wire: 'bind EADDRINUSE' })?.remedy, /it is tried again by itself\.$/);
  const recorded = settingsWith({ vehicle: { mavlink: { file: '/tmp/a.tlog', system: 1 } } });
  t.match(lookAtVehicle(recorded, { ...VEHICLE, wire: 'the recording is over' }), [
    { health: 'warning', words: /: the recording is over$/, remedy: /^It is played once with each start of the agent/ },
  ]);
  t.match(look({ ...VEHICLE, messages: 0, refused: 7 }), {
    ...{ health: 'warning', words: /nothing of it was heard, 45678 bytes of others, 7 refused$/, remedy: /`system`/ },
  });
});
