import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import t from 'tap';
import { xattrCopier } from '../../agent/host/libc.ts';
import { hostTargets } from '../../agent/host/targets.ts';
import { configDir } from '../fixtures/config-files.ts';

const NOBODY = 65_534;
const root = process.geteuid?.() === 0;
const open = (path: string, follow = false) => hostTargets().open('stage.open', path, { follow });
const bytes = (text: string) => new TextEncoder().encode(text);

function home(t: { teardown(fn: () => void): void }): string {
  const [dir, remove] = configDir();
  t.teardown(remove);
  return dir;
}

t.test('read, stage, put: the new content under the old name, mode and owner', async (t) => {
  const dir = home(t);
  const path = join(dir, 'aim.conf');
  writeFileSync(path, 'old');
  chmodSync(path, 0o4654);
  if (root) chownSync(path, NOBODY, NOBODY);
  // A change of owner clears setuid.
  chmodSync(path, 0o4654);
  const target = open(path);
  const staged = await target.stage('stage.write', bytes('new'));
  t.match(staged, /^\.aim\.conf\.[a-z0-9]+\.locksmith$/);
  t.equal(readFileSync(path, 'utf8'), 'old');
  t.equal(Buffer.from(target.readStaged('recover.look', staged) ?? []).toString(), 'new');
  t.same(target.leftovers('recover.look'), [staged]);
  target.put('commit.rename', staged);
  await target.sync('commit.sync');
  t.equal(Buffer.from(target.read('stage.read') ?? []).toString(), 'new');
  const put = lstatSync(path);
  t.ok(put.isFile());
  t.match({ mode: put.mode & 0o7777, links: put.nlink }, { mode: 0o654, links: 1 }, 'setuid is never copied');
  if (root) t.match(put, { uid: NOBODY, gid: NOBODY });
  t.same(readdirSync(dir), ['aim.conf']);
  const look = target.look('stage.read');
  t.same(look, { mode: 0o654, uid: put.uid, gid: put.gid });
  target.remove('commit.remove');
  t.equal(target.read('stage.read'), null);
  t.equal(target.look('stage.read'), null);
  target.put('commit.rename', await target.stage('stage.write', bytes('back'), look));
  t.same(target.look('stage.read'), look, 'a file that was removed comes back as it looked');
  target.close();
});

t.test('a file that was not there: 0644, the owner of its directory', async (t) => {
  const dir = home(t);
  if (root) chownSync(dir, NOBODY, NOBODY);
  writeFileSync(join(dir, 'other.conf'), '');
  if (root) chownSync(join(dir, 'other.conf'), NOBODY, NOBODY);
  if (root) t.throws(() => open(join(dir, 'new.conf')), { code: 'unsafe-path' }, 'no owner yet who could vouch for it');
  if (root) chownSync(dir, 0, NOBODY);
  const umask = process.umask(0o077);
  const target = open(join(dir, 'new.conf'));
  t.equal(target.read('stage.read'), null);
  target.put('commit.rename', await target.stage('stage.write', bytes('x')));
  process.umask(umask);
  t.equal(statSync(join(dir, 'new.conf')).mode & 0o7777, 0o644);
  if (root) t.equal(statSync(join(dir, 'new.conf')).gid, NOBODY);
  target.close();
});

t.test('extended attributes go along, an access list among them', async (t) => {
  const dir = home(t);
  const path = join(dir, 'aim.conf');
  writeFileSync(path, 'old');
  const libc = koffi.load(null);
  const set: (path: string, name: string, value: Uint8Array, size: number, flags: number) => number = libc.func(
    'int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
  );
  const get: (path: string, name: string, value: Uint8Array, size: number) => number = libc.func(
    'intptr_t getxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)',
  );
  // struct posix_acl_xattr: version 2; then tag, permissions, id of: owner, user 65534, group, mask, others.
  const acl = Buffer.alloc(4 + 5 * 8);
  acl.writeUInt32LE(2, 0);
  for (const [index, [tag, perm, id]] of [
    [0x01, 6, -1],
    [0x02, 4, NOBODY],
    [0x04, 0, -1],
    [0x10, 4, -1],
    [0x20, 0, -1],
  ].entries()) {
    acl.writeUInt16LE(tag ?? 0, 4 + index * 8);
    acl.writeUInt16LE(perm ?? 0, 6 + index * 8);
    acl.writeInt32LE(id ?? 0, 8 + index * 8);
  }
  const wanted: readonly (readonly [string, Uint8Array])[] = [
    ['user.colour', bytes('green')],
    ['system.posix_acl_access', acl],
  ];
  const kept = wanted.filter(([name, value]) => set(path, name, value, value.length, 0) === 0);
  if (kept.length < wanted.length) t.comment(`this file system keeps only ${kept.map(([name]) => name).join()}`);
  const target = hostTargets({ copyAttributes: xattrCopier() }).open('stage.open', path, { follow: false });
  target.put('commit.rename', await target.stage('stage.write', bytes('new')));
  target.close();
  for (const [name, value] of kept) {
    const found = Buffer.alloc(value.length);
    t.equal(get(path, name, found, found.length), value.length, name);
    t.ok(found.equals(value), name);
  }
  t.equal(readFileSync(path, 'utf8'), 'new');
});

t.test('what is no plain file with one name is not touched', async (t) => {
  const dir = home(t);
  const unsafe = (name: string, why: RegExp) => {
    const target = open(join(dir, name));
    t.throws(() => target.read('stage.read'), { code: 'unsafe-path', message: why, retry: false }, name);
    target.close();
  };
  writeFileSync(join(dir, 'file'), 'x');
  linkSync(join(dir, 'file'), join(dir, 'second'));
  unsafe('file', /more than one hard link/);
  execFileSync('mkfifo', [join(dir, 'fifo')]);
  unsafe('fifo', /not a regular file/);
  mkdirSync(join(dir, 'dir'));
  unsafe('dir', /not a regular file/);
  const target = open(join(dir, 'file'));
  await t.rejects(target.stage('stage.write', bytes('new')), { code: 'unsafe-path' });
  t.same(target.leftovers('recover.look'), [], 'nothing stays beside it');
  target.close();
});

t.test('symlinks: none, or only those that root made', async (t) => {
  const dir = home(t);
  mkdirSync(join(dir, 'real'));
  writeFileSync(join(dir, 'real', 'aim.conf'), 'x');
  symlinkSync('real', join(dir, 'way'));
  symlinkSync('real/aim.conf', join(dir, 'aim.conf'));
  t.throws(() => open(join(dir, 'way', 'aim.conf')), { code: 'unsafe-path', message: /is a symlink/ });
  t.throws(() => open(join(dir, 'aim.conf')), { code: 'unsafe-path', message: /is a symlink/ });
  symlinkSync('round', join(dir, 'round'));
  if (!root) return t.comment('not root: links of root cannot be made');
  t.throws(() => open(join(dir, 'round'), true), { code: 'unsafe-path', message: /too many/ });
  const target = open(join(dir, 'way', 'aim.conf'), true);
  target.put('commit.rename', await target.stage('stage.write', bytes('new')));
  target.close();
  const other = open(join(dir, 'aim.conf'), true);
  t.equal(Buffer.from(other.read('stage.read') ?? []).toString(), 'new');
  other.close();
  symlinkSync('real', join(dir, 'foreign'));
  execFileSync('chown', ['-h', String(NOBODY), join(dir, 'foreign')]);
  lutimesSync(join(dir, 'foreign'), 1, 1);
  t.throws(() => open(join(dir, 'foreign', 'aim.conf'), true), { code: 'unsafe-path', message: /root did not make/ });

  const late = open(join(dir, 'real', 'aim.conf'));
  rmSync(join(dir, 'real', 'aim.conf'));
  symlinkSync('/etc/hostname', join(dir, 'real', 'aim.conf'));
  t.throws(() => late.read('stage.read'), { code: 'unsafe-path', message: /is a symlink/ }, 'put there after the look');
  late.close();
});

t.test('directories that others can write to', async (t) => {
  const dir = home(t);
  const sub = join(dir, 'sub');
  const path = join(sub, 'aim.conf');
  mkdirSync(sub);
  writeFileSync(path, 'x');
  const table: readonly (readonly [number, RegExp | null])[] = [
    [0o755, null],
    [0o777, /can be written by others/],
    [0o1777, null],
    [0o757, /can be written by others/],
  ];
  for (const [mode, why] of table) {
    chmodSync(sub, mode);
    if (why === null) open(path).close();
    else t.throws(() => open(path), { code: 'unsafe-path', message: why }, mode.toString(8));
  }
  chmodSync(sub, 0o755);
  t.throws(() => open(join(dir, 'none', 'aim.conf')), { code: 'missing-directory' });
  t.throws(() => open(join(path, 'aim.conf')), { code: 'unsafe-path', message: /not a directory/ });
  if (!root) return t.comment('not root: directories of other users cannot be made');
  chownSync(sub, 0, NOBODY);
  chmodSync(sub, 0o775);
  t.throws(() => open(path), { code: 'unsafe-path', message: /can be written by others/ }, 'a group of others');
  chownSync(sub, NOBODY, 0);
  chmodSync(sub, 0o755);
  t.throws(() => open(path), { code: 'unsafe-path', message: /belongs to user 65534/ });
  chownSync(path, NOBODY, 0);
  open(path).close();
});

t.test('a directory swapped for another after it was opened changes nothing for us', async (t) => {
  const dir = home(t);
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'sub', 'aim.conf'), 'ours');
  const target = open(join(dir, 'sub', 'aim.conf'));
  renameSync(join(dir, 'sub'), join(dir, 'moved'));
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'sub', 'aim.conf'), 'bait');
  t.equal(readFileSync(target.path(), 'utf8'), 'ours');
  target.put('commit.rename', await target.stage('stage.write', bytes('new')));
  target.close();
  t.equal(readFileSync(join(dir, 'moved', 'aim.conf'), 'utf8'), 'new');
  t.same(readdirSync(join(dir, 'sub')), ['aim.conf']);
  t.equal(readFileSync(join(dir, 'sub', 'aim.conf'), 'utf8'), 'bait');
});

t.test('leftovers are those of this file alone, and only they are read or discarded as such', async (t) => {
  const dir = home(t);
  for (const name of ['.a.x1.locksmith', '.a.b.x2.locksmith', '.a.locksmith', '.a.x.locksmith.bak', 'a', 'a.b']) {
    writeFileSync(join(dir, name), name);
  }
  const [a, ab] = [open(join(dir, 'a')), open(join(dir, 'a.b'))];
  t.same(a.leftovers('recover.look'), ['.a.x1.locksmith']);
  t.same(ab.leftovers('recover.look'), ['.a.b.x2.locksmith']);
  t.equal(a.readStaged('recover.look', 'a.b'), null);
  t.equal(a.readStaged('recover.look', '.a.gone.locksmith'), null);
  for (const _ of [1, 2]) a.discard('stage.discard', '.a.x1.locksmith');
  t.same(a.leftovers('recover.look'), []);
  a.close();
  ab.close();
});

t.test('a stage that fails at any step leaves no file and no descriptor', async (t) => {
  const dir = home(t);
  writeFileSync(join(dir, 'aim.conf'), 'old');
  const before = readdirSync('/proc/self/fd').length;
  for (const stop of ['open', 'create', 'write', 'owner', 'mode', 'attributes', 'sync']) {
    const trace = (_op: string, step: string) => {
      if (step === stop) throw new Error('stopped');
    };
    const target = hostTargets({ trace, copyAttributes: xattrCopier() }).open('stage.open', join(dir, 'aim.conf'), {
      follow: false,
    });
    await t.rejects(target.stage('stage.write', bytes('new')), { message: /stopped/ }, stop);
    target.close();
    t.same(readdirSync(dir), ['aim.conf'], stop);
  }
  t.equal(readdirSync('/proc/self/fd').length, before);
});

t.test('what cannot be replaced is told before anything is', async (t) => {
  const dir = home(t);
  const path = join(dir, 'aim.conf');
  writeFileSync(path, 'old');
  const how = { follow: false };
  const table = [
    ['immutable', { code: 'no-permission', message: /immutable or append-only/, retry: true }],
    ['mount-point', { code: 'unsafe-path', message: /is a mount point/, retry: false }],
  ] as const;
  for (const [why, failure] of table) {
    const target = hostTargets({ whyFixed: () => why }).open('stage.open', path, how);
    t.throws(() => target.look('stage.read'), failure);
    t.throws(() => target.examine('check.open'), failure);
    await t.rejects(target.stage('stage.write', bytes('new')), failure);
    t.same(target.leftovers('recover.look'), []);
    target.close();
  }
  const fat = hostTargets({ typeOf: () => 0x4d44 }).open('check.open', path, how);
  t.match(fat.examine('check.open'), /FAT, where a rename is not atomic/);
  fat.close();
  const target = open(path);
  t.equal(target.examine('check.open'), null);
  rmSync(path);
  t.equal(target.examine('check.open'), null, 'a file that is to come is fine');
  target.close();
});
