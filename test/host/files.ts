import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostFiles } from '../../agent/host/files.ts';
import { configDir } from '../fixtures/config-files.ts';
import { latch } from '../fixtures/until.ts';

const OP = 'commit.keep';
const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

t.test('reading, looking, listing', async (t) => {
  const dir = t.testdir({ file: 'content', link: t.fixture('symlink', 'file'), sub: {} });
  const files = hostFiles();
  t.equal(text(files.read(OP, join(dir, 'file'))), 'content');
  t.equal(files.read(OP, join(dir, 'none')), null);
  t.throws(() => files.read(OP, join(dir, 'file'), 6), { code: 'io', op: OP, retry: false });
  t.equal(text(files.read(OP, join(dir, 'file'), 7)), 'content');
  t.throws(() => files.read(OP, join(dir, 'sub')), { code: 'io' });
  t.throws(() => files.read(OP, join(dir, 'file', 'below')), { code: 'missing-directory' });
  t.match(files.stat(OP, join(dir, 'file')), { kind: 'file', bytes: 7, links: 1, uid: process.geteuid?.() });
  t.match(files.stat(OP, join(dir, 'link')), { kind: 'symlink' });
  t.match(files.stat(OP, join(dir, 'sub')), { kind: 'directory' });
  t.equal(files.stat(OP, join(dir, 'none')), null);
  t.same([...files.list(OP, dir)].sort(), ['file', 'link', 'sub']);
  t.same(files.list(OP, join(dir, 'none')), []);
});

t.test('a FIFO in place of a file is not waited for', async (t) => {
  const path = join(t.testdir(), 'fifo');
  execFileSync('mkfifo', [path]);
  t.equal(text(hostFiles().read(OP, path)), '');
});

t.test('the durable write: all steps in order, the mode whatever the umask, nothing left beside it', async (t) => {
  const dir = t.testdir({ file: 'old' });
  const path = join(dir, 'file');
  chmodSync(path, 0o644);
  const steps: string[] = [];
  const files = hostFiles((_op, step) => steps.push(step));
  const umask = process.umask(0o077);
  await files.writeDurably(OP, path, 'new', 0o664);
  process.umask(umask);
  t.equal(readFileSync(path, 'utf8'), 'new');
  t.equal(statSync(path).mode & 0o7777, 0o664);
  t.same(steps, ['create', 'write', 'mode', 'sync', 'rename', 'open-dir', 'sync-dir']);
  t.same(readdirSync(dir), ['file']);
});

t.test(
  'stopped at any step of a write, the file is the old or the new one, and a failure leaves nothing beside it',
  async (t) => {
    for (const stop of ['create', 'write', 'mode', 'sync', 'rename', 'open-dir', 'sync-dir']) {
      const dir = t.testdir({ file: 'old' });
      const path = join(dir, 'file');
      const files = hostFiles((_op, step) => {
        if (step === stop) throw new Error('stopped');
      });
      await t.rejects(files.writeDurably(OP, path, 'new', 0o600), { message: /stopped/ }, stop);
      t.equal(readFileSync(path, 'utf8'), stop.endsWith('dir') ? 'new' : 'old', stop);
      t.same(readdirSync(dir), ['file'], stop);
    }
  },
);

t.test('a view is replaced as a whole; a link in its place is replaced, not followed', async (t) => {
  const dir = t.testdir({ other: 'untouched', view: t.fixture('symlink', 'other') });
  hostFiles().writeView('view.status', join(dir, 'view'), 'text', 0o644);
  t.equal(readFileSync(join(dir, 'view'), 'utf8'), 'text');
  t.equal(readFileSync(join(dir, 'other'), 'utf8'), 'untouched');
  t.same(readdirSync(dir).sort(), ['other', 'view']);
  t.throws(() => hostFiles().writeView('view.status', join(dir, 'none', 'view'), '', 0o644), {
    code: 'missing-directory',
  });
});

t.test('directories, renames, removals: twice does no harm', async (t) => {
  const dir = t.testdir();
  const files = hostFiles();
  for (const _ of [1, 2]) files.makeDir(OP, join(dir, 'a', 'b'), 0o700);
  t.equal(statSync(join(dir, 'a', 'b')).mode & 0o777, 0o700);
  const umask = process.umask(0o077);
  t.teardown(() => process.umask(umask));
  files.makeDir(OP, join(dir, 'x', 'y'), 0o755);
  for (const made of ['x', 'x/y'])
    t.equal(statSync(join(dir, made)).mode & 0o777, 0o755, `${made}, whatever the umask`);
  files.makeDir(OP, join(dir, 'x', 'y'), 0o700);
  t.equal(statSync(join(dir, 'x', 'y')).mode & 0o777, 0o755, 'what is there keeps its mode');
  writeFileSync(join(dir, 'one'), '1');
  files.rename(OP, join(dir, 'one'), join(dir, 'a', 'two'));
  t.ok(existsSync(join(dir, 'a', 'two')));
  for (const _ of [1, 2]) files.remove(OP, join(dir, 'a', 'two'));
  t.notOk(existsSync(join(dir, 'a', 'two')));
  t.throws(() => files.rename(OP, join(dir, 'none'), join(dir, 'x')), { code: 'missing-directory' });
  await t.rejects(files.syncDir(OP, join(dir, 'none')), { code: 'missing-directory' });
});

t.test('temp files of dead writers are removed; where nobody can be writing, all are', async (t) => {
  const temp = (pid: number) => `view.${pid}.abc123.tmp`;
  const [dead, living] = [temp(4_194_305), temp(process.ppid)];
  const dir = t.testdir({ [dead]: 'half', [living]: 'half', [temp(process.pid)]: 'half', 'view.tmp': 'ours?' });
  const files = hostFiles();
  files.removeTemps('leftovers.remove', dir);
  t.same(readdirSync(dir).sort(), [living, 'view.tmp'].sort());
  files.removeTemps('leftovers.remove', dir, 'any');
  t.same(readdirSync(dir), ['view.tmp']);
});

t.test('who tidies up leaves alone what is being written right now', async (t) => {
  const dir = t.testdir();
  const [begun, synced] = [latch(), latch()];
  const files = hostFiles(undefined, async () => {
    begun.open();
    await synced.opened;
  });
  const written = files.writeDurably(OP, join(dir, 'kept'), 'whole', 0o600);
  await begun.opened;
  files.removeTemps('leftovers.remove', dir);
  synced.open();
  await written;
  t.equal(readFileSync(join(dir, 'kept'), 'utf8'), 'whole');
});

t.test('a file that only grows', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'log');
  const files = hostFiles();
  const file = await files.openAppend(OP, path, 0o640);
  file.append(OP, Buffer.from('one'));
  file.append(OP, Buffer.from('two'));
  await file.sync(OP);
  t.equal(file.bytes(), 6);
  file.truncate(OP, 3);
  file.append(OP, Buffer.from('!'));
  file.close();
  t.equal(readFileSync(path, 'utf8'), 'one!');
  const again = await files.openAppend(OP, path, 0o640);
  t.equal(again.bytes(), 4);
  again.close();
  symlinkSync(path, join(dir, 'link'));
  await t.rejects(files.openAppend(OP, join(dir, 'link'), 0o640), { code: 'unsafe-path' });
  linkSync(path, join(dir, 'other'));
  await t.rejects(files.openAppend(OP, join(dir, 'none', 'log'), 0o640), { code: 'missing-directory' });
});

t.test('each trouble of a disk has its code', async (t) => {
  const file = await hostFiles().openAppend(OP, '/dev/full', 0o600);
  t.throws(() => file.append(OP, Buffer.from('x')), { code: 'disk-full', retry: true });
  file.close();
  const [disk, remove] = configDir();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'pipe' });
  } catch {
    remove();
    return t.comment('we may not mount: no file system of our own to fill up');
  }
  t.teardown(() => {
    execFileSync('umount', [disk]);
    remove();
  });
  const files = hostFiles();
  await files.writeDurably(OP, join(disk, 'file'), 'old', 0o600);
  await t.rejects(files.writeDurably(OP, join(disk, 'file'), 'x'.repeat(100_000), 0o600), { code: 'disk-full' });
  t.same(readdirSync(disk), ['file']);
  t.equal(readFileSync(join(disk, 'file'), 'utf8'), 'old');
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  await t.rejects(files.writeDurably(OP, join(disk, 'file'), 'new', 0o600), { code: 'read-only' });
  t.throws(() => files.remove(OP, join(disk, 'file')), { code: 'read-only' });
  execFileSync('mount', ['-o', 'remount,rw', disk]);
  await files.writeDurably(OP, join(disk, 'file'), 'new', 0o600);
  t.equal(readFileSync(join(disk, 'file'), 'utf8'), 'new', 'healed without a restart');
});
