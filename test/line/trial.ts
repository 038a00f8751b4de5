import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { nowS } from '../fixtures/documents.ts';
import { type LineDevice, type LineWorld, lineDevice, lineWorld } from '../fixtures/line.ts';
import { run } from '../fixtures/locksmith.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';
import { opensslSign } from '../fixtures/openssl.ts';

// What a person next to the device does and is told while an update is in place and has not proved itself yet.

const FOUND = { 'aim.conf': 'hold = 500\n' };
const content = (version: number) => ({ 'aim.conf': `hold = ${version}\n` });
const APPLYING = /^applying: it is in place; what proves it good or takes it back is under way\n$/;

async function confirm(world: LineWorld, device: LineDevice, update: string) {
  const iat = nowS();
  const payload = { v: 1, id: randomUUID(), aud: `dev/${device.id}`, iat, exp: iat + 60, cmd: 'confirm' };
  const jws = opensslSign(world.key, { ...payload, config: 'aim', update }, { typ: 'locksmith-command+jwt' });
  await mosquittoPub(world.broker, `${device.root}/v1/dev/${device.id}/cmd/confirm`, jws);
}

t.test('apply and rollback by hand while an update is on trial', { timeout: 180_000 }, async (t) => {
  const world = await lineWorld(t);
  const device = lineDevice(t, world, {
    root: 'trial',
    everyConfig: { confirm: { by: 'fleet', within_s: 600 } },
    heartbeatS: 0.5,
  });
  await device.start();
  const locksmith = (...argv: readonly string[]) => run([...argv, '--settings', device.settings]);
  const document = (version: number) => {
    const signed = device.sign({ version, aud: 'all', files: content(version) });
    const path = join(device.dir, `${version}.jws`);
    writeFileSync(path, signed.jws);
    return { ...signed, path };
  };

  const one = document(1);
  t.match(await locksmith('apply', one.path), { code: 3, stdout: APPLYING });
  t.match(await locksmith('apply', one.path), { code: 3, stdout: APPLYING }, 'the same again is no other answer');
  t.match(await locksmith('status'), {
    code: 0,
    stdout: /waits {2}base version 1 for all is in place, and has to prove itself/,
  });
  t.same(device.contents(), content(1));

  t.match(await locksmith('rollback', 'aim'), {
    code: 0,
    stdout: '1. take back base version 1 for all, which has not proved itself yet: what ran before it is back\n',
    stderr: /^Nothing was done/,
  });
  t.same(device.contents(), content(1));
  t.match(await locksmith('rollback', 'aim', '--yes', '--reason', 'it oscillates'), {
    code: 0,
    stdout: 'rolled-back: as it was before Locksmith\n',
  });
  t.same(device.contents(), FOUND);
  t.match(await device.evt({ update: one.id, event: 'rolled-back' }), {
    ...{ code: 'unconfirmed', final: true },
    reason: /^\S+ has taken it back: it oscillates$/,
  });
  t.match(device.reports().at(-1), { running: { version: 0 }, pending: null, pinned: null }, 'it never ran: no pin');
  t.match(await locksmith('apply', one.path), {
    code: 3,
    stdout: /^rolled-back: \S+ has taken it back: it oscillates \(unconfirmed\)\n$/,
  });
  t.same(device.contents(), FOUND, 'it is not tried again by itself');

  const two = document(2);
  t.match(await locksmith('apply', two.path), { code: 3, stdout: APPLYING });
  await confirm(world, device, two.id);
  await device.evt({ update: two.id, event: 'applied', final: true });
  t.match(await locksmith('apply', two.path), { code: 0, stdout: 'applied\n' });
  t.same(device.contents(), content(2));

  const hb = `${device.root}/v1/dev/${device.id}/hb`;
  const { payload } = await world.watcher.next(
    (message) => message.topic === hb && JSON.parse(message.payload.toString()).counters.applied > 0,
  );
  const counted = { applied: 1, rolled_back: 1, failed: 0 };
  t.match(JSON.parse(payload.toString()), { counters: counted });
  // What the device itself shows of frequent heartbeats may be some seconds old.
  const shown = async () => JSON.parse((await locksmith('status', '--json')).stdout).counters?.outcomes ?? {};
  let outcomes = await shown();
  while (outcomes.applied !== 1) outcomes = await shown();
  t.match(outcomes, counted);
});
