import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { freeUdpPort, startAutopilot } from '../fixtures/autopilot.ts';
import { nowS } from '../fixtures/documents.ts';
import { fakeSystemctl } from '../fixtures/fake-systemctl.ts';
import { type LineDevice, type LineTest, type LineWorld, lineDevice, lineWorld } from '../fixtures/line.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';
import { opensslSign } from '../fixtures/openssl.ts';
import { until } from '../fixtures/until.ts';

// A real agent on a real broker, and a vehicle on a UDP link that others talk on too. In the air nothing moves, whatever the reason.

/** A device with a vehicle, whose services a made-up systemctl writes down. */
async function flyingDevice(t: LineTest, world: LineWorld, root: string, flying: boolean, more: object = {}) {
  const port = await freeUdpPort();
  const device = lineDevice(t, world, {
    root,
    settings(text) {
      Object.assign(text, { vehicle: { mavlink: { listen: `udp://127.0.0.1:${port}`, system: 1 } } });
      text.locks = { gc: '* * * * * *' };
      for (const config of Object.values(text.configs))
        Object.assign(config, { on_drift: 'restore', writers: ['aim.service'], ...more });
    },
  });
  const systemctl = fakeSystemctl(t, ['aim.service']);
  const agent = start(['run', '--settings', device.settings], { env: { PATH: systemctl.path } });
  t.teardown(() => agent.stop('SIGKILL'));
  await agent.line(': connected');
  const vehicle = startAutopilot(t, port, flying);
  const locksmith = (...argv: readonly string[]) =>
    run([...argv, '--settings', device.settings], { env: { PATH: systemctl.path } });
  return { device, agent, vehicle, systemctl, locksmith };
}

/** What would change if anything were put in place: which file it is, and when it was last touched. */
function fileOf(device: LineDevice) {
  const { ino, ctimeMs } = statSync(join(device.etc, 'aim.conf'));
  return { ino, ctimeMs, text: readFileSync(join(device.etc, 'aim.conf'), 'utf8') };
}

const wish = (version: number, content: string) => ({ version, files: { 'aim.conf': content } });
const waits = (device: LineDevice, fits: (id: string | null) => boolean) =>
  device.reported(({ pending }) => pending?.waiting_for.includes('vehicle') === true && fits(pending.id));

t.test('nothing moves in the air', { timeout: 240_000 }, async (t) => {
  const world = await lineWorld(t);

  await t.test('an update waits, says why, and is applied by itself after landing', async (t) => {
    const { device, agent, vehicle, locksmith } = await flyingDevice(t, world, 'update', true);
    await agent.line('vehicle unsafe: armed');
    const before = fileOf(device);
    const { id } = await device.push(wish(1, 'hold = 800\n'));
    t.match(await device.evt({ update: id, event: 'waiting' }), {
      ...{ code: 'not-safe', config: 'aim' },
      reason: /^the vehicle is not safe: armed/,
    });
    t.match((await waits(device, (one) => one === id)).pending, { waiting_for: ['vehicle'] });
    const status = await locksmith('status', '--json');
    t.match(JSON.parse(status.stdout), { vehicle: { safety: 'unsafe', source: /^mavlink udp:/, armed: true } });
    t.match((await locksmith('status')).stdout, /^vehicle {2}unsafe: armed/m);
    t.same(fileOf(device), before);
    // One after the other, each when the one before was answered.
    await until(
      () => `asked for ${vehicle.asked()}`,
      () => [33, 245].every((message) => vehicle.asked().includes(message)),
    );
    const landedMs = performance.now();
    vehicle.flies(false);
    await device.evt({ update: id, event: 'applied' });
    // Not a matter of speed: five seconds of rest are the rule.
    t.ok(performance.now() - landedMs >= 5000, 'not before five seconds of rest');
    t.equal(fileOf(device).text, 'hold = 800\n');
    t.match(
      device.evts({ update: id, event: 'waiting' }).map(({ reason }) => reason),
      [
        /not safe: armed/,
        /not known to be safe: (disarmed and landed for \d s only|whether it has landed was never said)/,
      ],
      'said at each change, not at each look',
    );
  });

  await t.test('a fall-off, a withdrawal and an edit by hand wait too', async (t) => {
    const { device, agent, vehicle } = await flyingDevice(t, world, 'back', false);
    await agent.line('vehicle safe');
    const base = await device.push(wish(1, 'base\n'));
    await device.evt({ update: base.id, event: 'applied' });
    const shadow = await device.push({ ...wish(1, 'shadow\n'), layer: 'shadow', payload: { until: nowS() + 3 } });
    await device.evt({ update: shadow.id, event: 'applied' });
    vehicle.flies(true);
    await agent.line('vehicle unsafe');
    t.same((await waits(device, (id) => id === base.id)).running.layer, 'shadow', 'it ran out in the air');
    t.equal(fileOf(device).text, 'shadow\n');
    vehicle.flies(false);
    await until('it fell off', () => fileOf(device).text === 'base\n');

    vehicle.flies(true);
    await agent.line('vehicle unsafe');
    writeFileSync(join(device.etc, 'aim.conf'), 'by hand\n');
    await device.evt({ event: 'drift', config: 'aim' });
    const withdrawal = await device.push({ version: 2, files: null });
    await waits(device, (id) => id === null);
    const edited = fileOf(device);
    t.equal(edited.text, 'by hand\n');
    await agent.stop('SIGTERM');
    t.same(fileOf(device), edited, 'nor does it move on the way out');
    const again = start(['run', '--settings', device.settings]);
    t.teardown(() => again.stop('SIGKILL'));
    await again.line('vehicle unsafe');
    t.same(fileOf(device), edited, 'or after a restart in the air');
    vehicle.flies(false);
    await device.evt({ update: withdrawal.id, event: 'withdrawn', final: true });
    await until('it is as it was before', () => fileOf(device).text === 'hold = 500\n');
  });

  await t.test('a rollback that falls due in the air waits, loudly; no hook is run there', async (t) => {
    const hooks = join(t.testdir(), 'hooks');
    const { device, agent, vehicle } = await flyingDevice(t, world, 'rollback', false, {
      reload: { argv: ['/bin/sh', '-c', `echo reload >> ${hooks}`] },
      confirm: { by: 'fleet', within_s: 5 },
    });
    await agent.line('vehicle safe');
    const { id } = await device.push(wish(1, 'on trial\n'));
    await until('it is on trial', () => fileOf(device).text === 'on trial\n');
    await until('it was reloaded', () => existsSync(hooks));
    vehicle.flies(true);
    await agent.line('vehicle unsafe');
    await device.evt({ update: id, event: 'rollback-deferred' });
    const before = fileOf(device);
    t.equal(before.text, 'on trial\n');
    t.equal(readFileSync(hooks, 'utf8'), 'reload\n');
    vehicle.flies(false);
    t.match(await device.evt({ update: id, event: 'rolled-back', final: true }), { code: 'unconfirmed' });
    t.equal(fileOf(device).text, 'hold = 500\n');
    t.equal(readFileSync(hooks, 'utf8'), 'reload\nreload\n', 'told of the way back, on the ground');
  });

  await t.test('a release: from far away and from nearby, and what a person may do', async (t) => {
    const { device, agent, vehicle, systemctl, locksmith } = await flyingDevice(t, world, 'release', true);
    await agent.line('vehicle unsafe');
    const lease = await locksmith('hold', 'aim', '--for', '1h', '--reason', 'left over');
    t.equal(lease.code, 0);
    const { token } = await device.lock(({ state }) => state === 'HOT');

    const far = {
      v: 1,
      id: 'c-1',
      aud: `dev/${device.id}`,
      cmd: 'release',
      config: 'aim',
      token,
      reason: 'night shift',
    };
    const jws = opensslSign(world.key, { ...far, iat: nowS(), exp: nowS() + 60 }, { typ: 'locksmith-command+jwt' });
    await mosquittoPub(world.broker, `${device.root}/v1/dev/${device.id}/cmd/release`, jws);
    t.match(await device.evt({ command: 'c-1', event: 'refused' }), { code: 'not-safe', reason: /not safe: armed/ });

    const plan = await locksmith('release', 'aim');
    t.match(plan.stdout, 'It would be refused: the vehicle is not safe: armed');
    const near = await locksmith('release', 'aim', '--yes', '--reason', 'left over');
    t.match(near, { code: 3, stderr: /release: the vehicle is not safe: armed.* \(not-safe\)\nTry: /m });
    t.same(systemctl.calls(), [], 'no service was stopped');
    t.match(JSON.parse((await locksmith('locks', 'aim', '--json')).stdout), { state: 'HOT', token });

    vehicle.end();
    await agent.line('vehicle unknown');
    t.match(
      (await locksmith('release', 'aim', '--yes', '--reason', 'x')).stderr,
      'not known to be safe: no heartbeat for',
    );
    t.same(systemctl.calls(), []);
    const anyway = await locksmith('release', 'aim', '--yes', '--reason', 'on the bench', '--despite-vehicle');
    t.match(anyway, { code: 0, stdout: /is COLD/ });
    t.same(systemctl.calls(), ['stop aim.service', 'start aim.service']);
  });

  await t.test('a release with the daemon dead: in the air refused, planned or not; landed, carried out', async (t) => {
    const { agent, vehicle, systemctl, locksmith } = await flyingDevice(t, world, 'alone', true);
    await agent.stop('SIGKILL');
    t.equal((await locksmith('hold', 'aim', '--for', '1h', '--reason', 'left over')).code, 0);
    const carriedOut = ['release', 'aim', '--yes', '--reason', 'left over'];
    const heard = /^the agent does not run: the vehicle is listened to here, for ten seconds at most$/m;

    const plan = await locksmith('release', 'aim');
    t.match(plan, { code: 0, stdout: /^It would be refused: the vehicle is not safe: armed/m, stderr: heard });
    const flying = await locksmith(...carriedOut);
    t.match(flying, {
      code: 3,
      stdout: '',
      stderr: /^locksmith: release: the vehicle is not safe: armed.* \(not-safe\)$/m,
    });
    t.match(flying.stderr, heard);

    t.same(systemctl.calls(), [], 'no service was stopped');
    t.match(JSON.parse((await locksmith('locks', 'aim', '--json')).stdout), { state: 'HOT' });

    vehicle.flies(false);
    const landed = await locksmith(...carriedOut);
    t.match(landed, { code: 0, stdout: /^stopped aim\.service\n.*is COLD/ms, stderr: heard });
    t.same(systemctl.calls(), ['stop aim.service', 'start aim.service']);
    t.match(JSON.parse((await locksmith('locks', 'aim', '--json')).stdout), { state: 'COLD' });
  });
});
