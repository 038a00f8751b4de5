import { join } from 'node:path';
import t from 'tap';
import { flockBy } from '../fixtures/lock-holders.ts';
import { type LoneDevice, loneDevice } from '../fixtures/lone-device.ts';
import { until } from '../fixtures/until.ts';

const apply = (device: LoneDevice, version: number) =>
  device.locksmith(['apply', '-'], device.sign({ version, files: { 'aim.conf': `${version}\n` } }).jws);
const status = async (device: LoneDevice) =>
  JSON.parse((await device.locksmith(['status', '--json'])).stdout).configs.aim;

t.test('with the daemon dead: a plan first, then carried out, pinned, and undone', async (t) => {
  const device = loneDevice(t);
  t.match(await device.locksmith(['rollback', 'aim']), {
    code: 4,
    stderr: /no earlier content of aim is known to be good\nTry: /,
  });
  await apply(device, 1);
  await apply(device, 2);

  const plan = await device.locksmith(['rollback', 'aim']);
  t.equal(plan.code, 0);
  t.match(
    plan.stdout,
    /^1\. put back: base version 1 for grp\/canary, there since \d{4}-.* UTC\n2\. pin it: .*base version 2 for/,
  );
  t.match(plan.stderr, /^Nothing was done\..*locksmith rollback aim --yes --reason "…"\n$/);
  t.same(device.contents(), { 'aim.conf': '2\n' });
  t.match(await device.locksmith(['rollback', 'aim', '--yes']), { code: 2, stderr: /--yes needs --reason/ });
  t.match(await device.locksmith(['rollback', 'nav', '--yes', '--reason', 'x']), {
    code: 4,
    stderr: /no config 'nav'/,
  });
  t.match(await device.locksmith(['rollback', 'aim', '--undo']), { code: 4, stderr: /nobody went back with aim/ });

  const done = await device.locksmith(['rollback', 'aim', '--yes', '--reason', 'it oscillates']);
  t.match(done, { code: 0, stdout: 'rolled-back: base version 1 for grp/canary\n', stderr: '' });
  t.same(device.contents(), { 'aim.conf': '1\n' });
  t.match(await status(device), { running: { version: 1 }, pinned: { by: String, reason: 'it oscillates', at: /Z$/ } });
  const shown = (await device.locksmith(['status'])).stdout;
  t.match(shown, /^ {2}pinned +by \S+, .*: it oscillates$/m);
  t.match(shown, /^ {2}try +locksmith rollback aim --undo, or something newer from the fleet$/m);
  t.match(
    (await device.locksmith(['history', 'aim'])).stdout,
    /rolled-back aim base version 2 for grp\/canary by \S+: it oscillates; back to/,
  );
  t.match((await device.locksmith(['log', 'aim'])).stdout, /pinned aim by \S+: it oscillates; from base version 2/);

  const undo = await device.locksmith(['rollback', 'aim', '--undo']);
  t.match(undo.stdout, /^1\. take the pin away that \S+ has set \(it oscillates\)/);
  t.match(await device.locksmith(['rollback', 'aim', '--undo', '--yes', '--reason', 'it was the cable', '--json']), {
    code: 0,
    stdout: '{"result":"undone","reason":"base version 2 for grp/canary"}\n',
  });
  t.same(device.contents(), { 'aim.conf': '2\n' });
  t.equal((await status(device)).pinned, null);
});

t.test(
  'with the daemon running: HOT, it waits and is done by itself; the same again does not undo it, a newer one does',
  async (t) => {
    const device = loneDevice(t);
    await apply(device, 1);
    await apply(device, 2);
    const daemon = await device.daemon();
    const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
    t.match(
      (await device.locksmith(['rollback', 'aim'])).stdout,
      /^It waits until the lock is COLD: aim\.conf HOT \(held by pid/,
    );
    const asked = await device.locksmith(['rollback', 'aim', '--yes', '--reason', 'it oscillates']);
    t.match(asked, { code: 3, stdout: 'waiting: it waits for lock, and is done by itself\n' });
    t.same(device.contents(), { 'aim.conf': '2\n' });
    await holder.end();
    await until('it is done', () => device.contents()['aim.conf'] === '1\n');
    await apply(device, 2);
    t.same(device.contents(), { 'aim.conf': '1\n' });
    await daemon.stop();
    await device.daemon();
    t.same(device.contents(), { 'aim.conf': '1\n' });
    t.match(await apply(device, 3), { code: 0, stdout: 'applied\n' });
    t.same(device.contents(), { 'aim.conf': '3\n' });
  },
);
