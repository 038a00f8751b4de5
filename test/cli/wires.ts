import t from 'tap';
import { wiresFor } from '../../agent/cli/wires.ts';
import { settingsWith } from '../fixtures/settings.ts';

t.test('every way to a vehicle, where the settings name one', async (t) => {
  t.equal(await wiresFor(settingsWith({})), undefined);
  const wires = await wiresFor(settingsWith({ vehicle: { gpsd: {} } }));
  t.equal(wires?.udp('127.0.0.1', 1).name, 'udp://127.0.0.1:1');
  t.equal(wires?.tcp('127.0.0.1', 1).name, 'tcp://127.0.0.1:1');
  t.match(wires?.serial('/dev/ttyX', 57_600).name, '/dev/ttyX');
  await t.rejects(async () => wires?.recording('/nowhere.tlog'), /\/nowhere\.tlog/);
});
