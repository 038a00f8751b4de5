import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { fatStoryDisk } from '../fixtures/image/fat-story.ts';
import { cloudKernel, powerOn, withoutQemu } from '../fixtures/image/qemu.ts';

const LIMIT_MS = 1800_000;

// FAT has no owners, no modes, no attributes, no second name for a file and no time finer than two seconds. Nobody should keep a config
// there; where somebody does, it still is applied, and trouble still is told and heals.
t.test('targets and state on FAT', { skip: withoutQemu(), timeout: LIMIT_MS }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-fat-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const kernel = cloudKernel();
  const machine = powerOn(t, kernel, fatStoryDisk(dir, kernel.modules));
  t.teardown(() => t.passing() || t.comment(machine.said().slice(-5000)));
  const say = async (what: string) => (await machine.line(`STORY ${what}:`)).replace(/^.*STORY \w+: ?/, '').trim();
  const both = (version: number) => `set ${version} ${'#'.repeat(9)} set ${version}`;

  t.equal(await say('on'), 'vfat vfat');
  t.match(await say('check'), /one\.conf.*lies on FAT, where a rename is not atomic/);
  t.equal(await say('applied'), both(1));
  t.equal(await say('readonly'), both(1), 'read-only: it waits, the old set stays');
  t.equal(await say('writable'), both(2), 'healed by itself');
  t.equal(await say('full'), both(2), 'full: it waits, the old set stays');
  t.equal(await say('free'), both(3), 'healed by itself');
  t.equal(await say('state_full'), both(3), 'what cannot be kept is not applied');
  t.equal(await say('state_free'), both(4), 'it comes again');
  t.match(await say('drift'), /one\.conf edited by hand/, 'though its size is what it was');
  t.equal(await say('restarts'), 'none', 'all of that without a restart');
  t.equal(await say('killed'), both(5), 'a next life knows all that from what is on FAT');
  t.equal(await say('leftovers'), '');
  t.ok(Number(await say('kept')) >= 2, 'what was there first, and the edit');
});
