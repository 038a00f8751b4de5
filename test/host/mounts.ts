import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { mountOf } from '../../agent/host/mounts.ts';
import { withoutTmpfs } from '../fixtures/namespaces.ts';

t.test('the file system below a path', async (t) => {
  t.match(mountOf('/proc/self'), { at: '/proc', type: 'proc' });
  const here = mountOf(import.meta.dirname);
  t.ok(here.freeBytes > 0 && here.totalBytes >= here.freeBytes);
  t.equal(here.readOnly, false);
  t.throws(() => mountOf('/nowhere/at/all'), { name: 'Failure', code: 'missing-directory' });
});

t.test(
  'one mounted over another, with a space in its name, small and read-only',
  { skip: withoutTmpfs() },
  async (t) => {
    const dir = join(mkdtempSync(join(tmpdir(), 'locksmith-mount-')), 'a b');
    mkdirSync(dir);
    const mount = (...argv: readonly string[]) => execFileSync('mount', [...argv, dir]);
    for (const size of ['1M', '2M']) mount('-t', 'tmpfs', '-o', `size=${size}`, 'none');
    t.teardown(() => [1, 2].map(() => execFileSync('umount', [dir])));
    t.match(mountOf(dir), { at: dir, type: 'tmpfs', readOnly: false, totalBytes: 2 * 1024 * 1024 });
    mount('-o', 'remount,ro');
    t.match(mountOf(dir), { readOnly: true });
  },
);
