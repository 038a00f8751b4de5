import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command as confirm } from '../../agent/cli/confirm.ts';
import { command as rollback } from '../../agent/cli/rollback.ts';
import { makeKeyFiles } from '../../agent/fleet/signer.ts';
import { runCommand } from '../fixtures/command.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';

t.test('the fleet confirms, and takes back, on a device far away', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);
  const device = lineDevice(t, world, {
    root: 'verdict',
    settings: (text) => {
      for (const config of Object.values(text.configs))
        Object.assign(config, { confirm: { by: 'fleet', within_s: 600 } });
    },
  });
  const { kid, privatePath, publicPath } = await makeKeyFiles('ops', device.dir);
  const [jwk] = JSON.parse(readFileSync(publicPath, 'utf8')).keys;
  writeFileSync(join(device.dir, 'keys.json'), JSON.stringify({ keys: [jwk, world.key.jwk] }));
  const env = { LOCKSMITH_BROKER: world.broker.url, LOCKSMITH_KEY: privatePath };
  const far = ['aim', '--device', device.id, '--root', 'verdict'];
  const why = ['--reason', 'aims too low'];
  t.match(await runCommand(confirm, far, env), {
    code: 4,
    err: /no report by which an update .* waits to be confirmed/,
  });
  await device.start();
  const one = await device.push({ version: 1, files: { 'aim.conf': 'one\n' } });
  await device.reported(({ pending }) => pending?.waiting_for.join() === 'confirm');
  await device.evt({ event: 'applying', update: one.id, reason: 'in place; the fleet has 600 s to confirm it' });
  t.match(await runCommand(confirm, [...far, '--update', 'u-0'], env), { code: 3, out: /refused \(no-such-update\)/ });
  t.match(await runCommand(confirm, far, env), { code: 0, out: `${device.id} confirmed\n` });
  t.match(await device.evt({ cmd: 'confirm', event: 'confirmed' }), { who: kid, final: true });
  await device.reported(({ running, confirmed_by }) => running.version === 1 && confirmed_by === 'fleet');
  await device.push({ version: 2, files: { 'aim.conf': 'two\n' } });
  await device.evt({ event: 'applying', version: 2, reason: 'in place; the fleet has 600 s to confirm it' });
  t.match(await runCommand(rollback, [...far, ...why], env), { code: 0, out: `${device.id} rolled-back\n` });
  await device.evt({ event: 'rolled-back', version: 2, final: true });
  t.same(device.contents(), { 'aim.conf': 'one\n' });
  t.match(await runCommand(rollback, [...far, '--update', one.id, ...why], env), { code: 0 });
  await device.evt({ event: 'applied', version: 0 });
  t.same(device.contents(), { 'aim.conf': 'hold = 500\n' });
});
