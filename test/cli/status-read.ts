import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readStatus } from '../../agent/cli/status-read.ts';
import { readSettings } from '../../agent/settings.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('everything from the disk of a device that runs nothing', async (t) => {
  const device = loneDevice(t);
  await device.locksmith(['apply', '-'], device.sign({ version: 1, files: { 'aim.conf': 'one\n' } }).jws);
  const settings = readSettings(device.settings);
  const calm = await readStatus(settings);
  t.match(calm, { agent: { state: 'stopped', pid: null }, link: null, advice: {}, hidden: [] });
  t.match(calm, { configs: { aim: { running: { version: 1 } } }, locks: { aim: { state: 'COLD' } } });
  t.ok(calm.backlog.count > 0, 'reports wait for a broker');
  t.ok(Date.parse(calm.clock.floor) <= Date.parse(calm.clock.now));

  const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  const hot = await readStatus(settings);
  t.match(hot, { locks: { aim: { state: 'HOT' } }, advice: { aim: { explanation: String, remedy: /Wait for it/ } } });
  t.match(hot.advice.aim?.remedy, String(holder.pid));
});

t.test('files that somebody spoiled are no reason to say nothing', async (t) => {
  const device = loneDevice(t);
  for (const name of ['status.json', 'beat']) writeFileSync(join(device.run, name), '{');
  t.match(await readStatus(readSettings(device.settings)), {
    agent: { state: 'stopped', version: null, last_beat: null },
    configs: {},
  });
});
