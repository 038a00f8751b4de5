import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { injectFault } from '../fixtures/injected.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';

// Errors that a disk gives seldom, and then at the worst time: the kernel gives them to the running agent.

const CONF = 'aim.conf';
const content = (version: number) => ({ [CONF]: `version ${version}\n` });
const world = await lineWorld(t);

t.test(
  'the disk fails a running agent: the old content stays, and it heals without a restart',
  { timeout: 180_000 },
  async (t) => {
    const device = lineDevice(t, world, { root: 'errors' });
    const agent = await device.start();
    const journal = join(device.state, 'journal');
    let version = 1;
    const first = await device.push({ version, files: content(version) });
    await device.evt({ update: first.id, event: 'applied' });

    for (const [errno, code] of [
      ['EIO', 'io'],
      ['EDQUOT', 'disk-full'],
    ] as const) {
      await t.test(`what is staged cannot be synced: ${errno}`, async (t) => {
        // The journal is synced by fdatasync: this meets staged files alone.
        const fault = await injectFault(t, agent.child.pid ?? 0, `fsync:error=${errno}`);
        const { id } = await device.push({ version: version + 1, files: content(version + 1) });
        t.match(await device.evt({ update: id, event: 'waiting' }), { code });
        t.match(await device.reported(({ pending }) => pending?.id === id), {
          ...{ running: { version }, last_attempt: { id, result: 'waiting', code } },
          pending: { id, waiting_for: ['disk'] },
        });
        t.same(device.contents(), content(version));
        await fault.mend();
        t.match(await device.evt({ update: id, event: 'applied' }), { changed: true, final: true });
        version += 1;
        t.same(device.contents(), content(version));
        t.equal(device.evts({ update: id, event: 'waiting' }).length, 1, 'said once');
      });
    }

    for (const [errno, code] of [
      ['EIO', 'io'],
      ['EDQUOT', 'disk-full'],
      ['EROFS', 'read-only'],
    ] as const) {
      await t.test(`the journal takes no write: ${errno}; nothing is acknowledged, and it comes again`, async (t) => {
        const fault = await injectFault(t, agent.child.pid ?? 0, `write:error=${errno}`, journal);
        const { id } = await device.push({ version: version + 1, files: content(version + 1) });
        await agent.line(new RegExp(`journal.append: ${errno} \\(${code}\\)`));
        t.same(device.contents(), content(version));
        t.equal(device.evts({ update: id }).length, 0, 'what cannot be remembered is not known');
        await fault.mend();
        t.match(await device.evt({ update: id, event: 'applied' }), { changed: true, final: true });
        version += 1;
        t.same(device.contents(), content(version));
      });
    }

    await t.test('a sync of the journal fails: it ends, for only a start can tell what is on disk', async (t) => {
      await injectFault(t, agent.child.pid ?? 0, 'fdatasync:error=EIO', journal);
      const { id } = await device.push({ version: version + 1, files: content(version + 1) });
      t.match(await agent.ended, { code: 1 });
      t.match(agent.stderr(), /cannot go on: .*journal.sync: EIO/);
      t.same(device.contents(), content(version));
      await device.start();
      t.match(await device.evt({ update: id, event: 'applied' }), { final: true });
      t.same(device.contents(), content(version + 1));
    });
  },
);

t.test('a state directory that is read-only at the start: it says so, and changes nothing', async (t) => {
  if (process.geteuid?.() !== 0) return t.comment('not root: nothing can be mounted');
  const mount = (...args: string[]) => execFileSync('mount', args, { stdio: 'pipe' });
  const device = lineDevice(t, world, { root: 'read-only-state' });
  mkdirSync(device.state, { recursive: true });
  mount('-t', 'tmpfs', '-o', 'ro,size=1m,mode=755', 'tmpfs', device.state);
  t.teardown(() => execFileSync('umount', ['-l', device.state]));
  const { id } = await device.push({ version: 1, files: content(1) });
  const before = device.contents();
  await t.rejects(device.start(), /read-only/);
  t.same(device.contents(), before);
  mount('-o', 'remount,rw', device.state);
  await device.start();
  await device.evt({ update: id, event: 'applied' });
  t.same(device.contents(), content(1));
});
