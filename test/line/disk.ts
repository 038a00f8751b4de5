import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { leftBehind } from '../fixtures/device.ts';
import { type LineDevice, lineDevice, lineWorld } from '../fixtures/line.ts';
import { until } from '../fixtures/until.ts';

const CONF = 'aim.conf';

/** Pushes while the disk is in trouble, mends it, and looks at what was said meanwhile. */
async function heals(t: Test, device: LineDevice, code: string, mend: () => void) {
  const content = 'x'.repeat(40_000);
  const { id } = await device.push({ version: 2, files: { [CONF]: content } });
  const waits = await device.evt({ update: id, event: 'waiting' });
  t.match(waits, { code });
  t.notOk('final' in waits);
  t.match(await device.reported(({ pending }) => pending !== null), {
    running: { version: 1 },
    last_attempt: { id, result: 'waiting', code, reason: waits.reason },
    pending: { id, version: 2, waiting_for: ['disk'] },
  });
  mend();
  t.match(await device.evt({ update: id, event: 'applied' }), { changed: true, final: true });
  t.same(device.contents(), { [CONF]: content });
  t.equal(device.evts({ update: id, event: 'waiting' }).length, 1, 'said once');
  await until('nothing left behind', () => leftBehind(device).length === 0);
}

t.test('trouble with the disk has its own code, and heals without a restart', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);
  const ready = async (root: string, prepare: (device: LineDevice) => void = () => {}) => {
    const device = lineDevice(t, world, { root });
    prepare(device);
    await device.start();
    const { id } = await device.push({ version: 1, files: { [CONF]: 'one\n' } });
    await device.evt({ update: id, event: 'applied' });
    return device;
  };

  await t.test('the directory is away', async (t) => {
    const device = await ready('away');
    const aside = join(device.dir, 'aside');
    renameSync(device.etc, aside);
    await heals(t, device, 'missing-directory', () => renameSync(aside, device.etc));
  });

  const mounts = (() => {
    try {
      execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();
  // A file system of its own can be mounted by root alone.
  const mount = (...args: string[]) => execFileSync('mount', args, { stdio: 'pipe' });
  const onTmpfs = (device: LineDevice) => {
    mkdirSync(device.etc, { recursive: true });
    mount('-t', 'tmpfs', '-o', 'size=64k,mode=755', 'tmpfs', device.etc);
    t.teardown(() => execFileSync('umount', ['-l', device.etc]));
  };
  if (!mounts) t.comment('not root: a full and a read-only file system are not tried here');
  else {
    await t.test('the file system is full', async (t) => {
      const device = await ready('full', onTmpfs);
      execFileSync('sh', ['-c', 'head -c 40000 /dev/zero >"$0/filler"', device.etc]);
      await heals(t, device, 'disk-full', () => execFileSync('rm', [join(device.etc, 'filler')]));
    });

    await t.test('the file system is read-only', async (t) => {
      const device = await ready('read-only', onTmpfs);
      // The agent may still be looking at what lies there.
      await until('nothing is open for writing there', () => {
        try {
          mount('-o', 'remount,ro', device.etc);
          return true;
        } catch (error) {
          if (!String(error).includes('busy')) throw error;
          return false;
        }
      });
      await heals(t, device, 'read-only', () => mount('-o', 'remount,rw', device.etc));
    });
  }

  await t.test('a path that is not safe refuses for good', async (t) => {
    const device = await ready('unsafe');
    execFileSync('chmod', ['777', device.etc]);
    const { id } = await device.push({ version: 2, files: { [CONF]: 'two\n' } });
    t.match(await device.evt({ update: id }), { event: 'refused', code: 'unsafe-path', final: true });
    t.same(device.contents(), { [CONF]: 'one\n' });
  });
});
