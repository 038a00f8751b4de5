import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command as refresh } from '../../agent/cli/refresh.ts';
import { command as release } from '../../agent/cli/release.ts';
import { bodyOf } from '../../agent/fleet/kept.ts';
import { makeKeyFiles } from '../../agent/fleet/signer.ts';
import { parseKeys } from '../../agent/trust/keys.ts';
import { runCommand } from '../fixtures/command.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { leakBy } from '../fixtures/lock-holders.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';

t.test('commands to a device far away', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);
  const device = lineDevice(t, world, { root: 'far' });
  const { kid, privatePath, publicPath } = await makeKeyFiles('ops', device.dir);
  const x = parseKeys(readFileSync(publicPath, 'utf8'), publicPath).find(kid)?.x;
  const jwk = { kty: 'OKP', crv: 'Ed25519', kid, x, may: { end_holder: true } };
  writeFileSync(join(device.dir, 'keys.json'), JSON.stringify({ keys: [jwk, world.key.jwk] }));
  const env = { LOCKSMITH_BROKER: world.broker.url, LOCKSMITH_KEY: privatePath };
  const far = ['--device', device.id, '--root', 'far'];
  const reason = ['--reason', 'its parent is gone'];

  await t.test('nobody of that name', async (t) => {
    const ran = await runCommand(refresh, [...far, '--within', '50ms'], env);
    t.match(ran, { code: 1, err: /no answer in time; the broker knows no device of that name/ });
    t.match(await runCommand(release, ['aim', ...far, ...reason], env), { code: 1, err: /its token is not known/ });
  });

  const agent = await device.start();
  await t.test('refresh', async (t) => {
    t.match(await runCommand(refresh, far, env), { code: 0, out: 'drone-7 refreshed\n' });
    const { code, out } = await runCommand(refresh, ['aim', '--seq', '9', '--json', ...far], env);
    t.equal(code, 0);
    t.match(JSON.parse(out), { device: 'drone-7', cmd: 'refresh', kind: 'answered', answer: { state: 'refreshed' } });
    t.match(await runCommand(refresh, ['radio', ...far], env), {
      ...{ code: 3, out: /refused \(not-managed\)/, err: /\nTry: Declare the config/ },
    });
  });

  await t.test('release', async (t) => {
    const { token } = await device.lock(() => true);
    t.match(await runCommand(release, ['aim', ...far, ...reason], env), { code: 4, out: /COLD already/ });
    const other = ['--token', `${token + 1}`];
    t.match(await runCommand(release, ['aim', ...far, ...reason, ...other], env), {
      code: 3,
      out: /lock mismatch: .*token/,
    });
    await leakBy(t, join(device.etc, 'aim.conf'));
    await device.push({ version: 1, files: { 'aim.conf': 'hold = 800\n' } });
    const { boot } = await device.lock(({ verdict }) => verdict === 'orphaned');
    t.match(await runCommand(release, ['aim', ...far, ...reason], env), { code: 3, out: /--end-holder/ });
    t.match(await runCommand(release, ['aim', ...far, ...reason, '--end-holder'], env), {
      ...{ code: 0, out: /^drone-7 released; token \d+ → \d+\n$/ },
    });
    await device.reported(({ running }) => running.version === 1);
    const sent = world.watcher.seen
      .filter(({ topic }) => topic.endsWith('/cmd/release'))
      .map(({ payload }) => bodyOf(payload));
    t.match(sent.at(-1), { holder: { boot }, end_holder: true }, 'for the holder of this boot');
    const nobody = await runCommand(release, ['aim', ...far, ...reason, '--end-holder'], env);
    t.match(nobody, { code: 3, err: /nobody to end/ });
  });

  await t.test('offline: nothing is sent', async (t) => {
    await agent.stop();
    t.match(await runCommand(refresh, far, env), {
      code: 1,
      err: /drone-7 is offline since .*SIGTERM.*nothing was sent/,
    });
    await mosquittoPub(world.broker, 'far/v1/dev/drone-7/status', '', { retain: true });
  });
});

t.test('what is wrong with the words', async (t) => {
  const err = async (command: typeof release, argv: readonly string[]) => {
    const ran = await runCommand(command, argv, { LOCKSMITH_BROKER: 'mqtt://127.0.0.1:1' });
    return `${ran.code} ${ran.err.split('\n', 1)[0]}`;
  };
  const far = ['--device', 'd7'];
  t.match(await err(refresh, []), /^2 .*which device/);
  t.match(await err(refresh, ['--device', 'a/b']), /^2 .*which device/);
  t.match(await err(refresh, far), /^2 .*which key/);
  t.match(await err(refresh, ['a.b', ...far]), /^2 .*expected a config/);
  t.match(await err(refresh, [...far, '--seq', 'x']), /^2 .*--seq/);
  t.match(await err(release, ['aim', ...far]), /^2 .*why/);
  t.match(await err(release, ['aim', ...far, '--reason', 'r', '--break']), /^2 .*next to the device/);
  t.match(await err(release, ['aim', ...far, '--reason', 'r', '--token', 'x']), /^2 .*--token/);
  t.match(await err(release, ['a.b', ...far, '--reason', 'r']), /^2 .*expected a config/);
});
