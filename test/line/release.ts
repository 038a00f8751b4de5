import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { leakBy } from '../fixtures/lock-holders.ts';
import { run } from '../fixtures/locksmith.ts';
import { until } from '../fixtures/until.ts';

// A release by somebody next to the device, beside a running agent: the fleet is told who did it, and what waited is applied.

t.test('a release beside the agent', async (t) => {
  const world = await lineWorld(t);
  const word = (device: { readonly run: string }, name: string) =>
    readFileSync(join(device.run, 'locks', 'aim', name), 'utf8').trim();

  for (const where of ['the lock file', 'the config file'] as const) {
    await t.test(`an orphan on ${where}, ended by a person: told as released, by whom and from whom`, async (t) => {
      const device = lineDevice(t, world, { root: where.replaceAll(' ', '-') });
      await device.start();
      await device.lock(({ state }) => state === 'COLD');
      const file = where === 'the lock file' ? join(device.run, 'locks', 'aim', 'lock') : join(device.etc, 'aim.conf');
      const leak = await leakBy(t, file);
      await device.push({ version: 1, files: { 'aim.conf': 'hold = 800\n' } });
      await device.evt({ event: 'refused', code: 'lock-mismatch' });
      const { holder } = await device.lock(({ verdict }) => verdict === 'orphaned');
      t.equal(holder?.pid, Number(leak.said), 'the true holder is named before');

      const argv = ['release', 'aim', '--settings', device.settings, '--yes', '--end-holder', '--reason', 'gone'];
      t.match(await run(argv), { code: 0 });
      const told = await device.evt({ event: 'released' });
      t.match(told.reason, /^released by \w+: gone \(ended pid \d+ sleep, user \w+\); token \d+ → \d+$/);
      await device.evt({ event: 'applied', version: 1 });
      t.match(device.contents(), { 'aim.conf': 'hold = 800\n' });
      t.equal(device.evts({ event: 'released' }).length, 1, 'told once');
      t.equal(device.evts({ event: 'reclaimed' }).length, 0, 'not as if it had healed by itself');
    });
  }

  await t.test('0 written into conf_locked right after a lease was taken is not left lying', async (t) => {
    const device = lineDevice(t, world, { root: 'bit' });
    await device.start();
    await device.lock(({ state }) => state === 'COLD');
    for (let round = 1; round <= 3; round += 1) {
      const hold = await run([
        'hold',
        'aim',
        '--for',
        '1h',
        '--reason',
        `round ${round}`,
        '--settings',
        device.settings,
      ]);
      t.equal(hold.code, 0);
      writeFileSync(join(device.run, 'locks', 'aim', 'conf_locked'), '0\n');
      const atMs = performance.now();
      await until('answered', () => word(device, 'state') === 'COLD');
      // Not a matter of speed: the round of looks, every 5 s, would find it too, so only an answer before it shows the request was heard.
      t.ok(performance.now() - atMs < 3000, 'by being told, not by the next round');
    }
    await until('three told', () => device.evts({ event: 'released' }).length === 3);
  });
});
