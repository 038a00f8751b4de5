import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { fixedFinder, hostKernelLocks, xattrCopier } from '../../agent/host/libc.ts';
import { lockfBy } from '../fixtures/lock-holders.ts';

const kernel = hostKernelLocks();

t.test('flock and record locks are taken and dropped, each family by itself', async (t) => {
  const path = `${t.testdir({ f: 'x' })}/f`;
  const [a, b] = [kernel.open('lock.open', path, {}), kernel.open('lock.open', path, {})];
  t.strictSame([a.dev, a.ino, a.uid], [statSync(path).dev, statSync(path).ino, statSync(path).uid]);
  t.equal(kernel.tryFlock('lock.take', a), true);
  t.strictSame([kernel.tryFlock('lock.take', b), kernel.tryRecordLock('lock.take', b)], [false, true]);
  t.equal(kernel.tryRecordLock('lock.take', a), false);
  kernel.drop('lock.drop', b);
  t.equal(kernel.tryRecordLock('lock.take', a), true);
  readFileSync(path);
  t.equal(kernel.tryRecordLock('lock.take', b), false, 'reading the file elsewhere in the process drops nothing');
  kernel.drop('lock.drop', a);
  t.strictSame([kernel.tryFlock('lock.take', b), kernel.tryRecordLock('lock.take', b)], [true, true]);
  kernel.close('lock.drop', a);
  kernel.close('lock.drop', b);
});

t.test('POSIX locks of other programs refuse the record lock, also a shared one', async (t) => {
  const path = `${t.testdir({ f: 'x' })}/f`;
  const locker = await lockfBy(t, path);
  for (const readOnly of [false, true]) {
    const file = kernel.open('lock.open', path, { readOnly });
    t.strictSame([kernel.tryFlock('lock.take', file), kernel.tryRecordLock('lock.take', file)], [true, false]);
    kernel.close('lock.drop', file);
  }
  await locker.end();
  const file = kernel.open('lock.open', path, { readOnly: true });
  t.equal(kernel.tryRecordLock('lock.take', file), true);
  kernel.close('lock.drop', file);
});

t.test('a file is created once, with its mode whatever the umask, and never through a symlink', async (t) => {
  const dir = t.testdir({ plain: 'x' });
  const before = process.umask(0o077);
  const file = kernel.open('lock.open', `${dir}/new`, { create: 0o660, group: 'daemon' });
  process.umask(before);
  const stat = statSync(`${dir}/new`);
  t.strictSame([stat.mode & 0o777, stat.ino, stat.nlink], [0o660, file.ino, 1]);
  t.equal(stat.gid, Number(execFileSync('getent', ['group', 'daemon']).toString().split(':')[2]));
  t.equal(kernel.open('lock.open', `${dir}/new`, { create: 0o600 }).ino, file.ino);
  symlinkSync(`${dir}/plain`, `${dir}/link`);
  t.throws(() => kernel.open('lock.open', `${dir}/link`, {}), { code: 'unsafe-path' });
  t.equal(kernel.open('lock.open', `${dir}/link`, { follow: true }).ino, statSync(`${dir}/plain`).ino);
  t.equal(kernel.inode('lock.inode', `${dir}/link`, true)?.ino, statSync(`${dir}/plain`).ino);
  t.not(kernel.inode('lock.inode', `${dir}/link`)?.ino, statSync(`${dir}/plain`).ino);
  t.equal(kernel.inode('lock.inode', `${dir}/none`), null);
  mkdirSync(`${dir}/dir`);
  execFileSync('mkfifo', [`${dir}/pipe`]);
  for (const name of ['dir', 'pipe']) {
    t.throws(() => kernel.open('lock.open', `${dir}/${name}`, { readOnly: true }), { code: 'unsafe-path' }, name);
  }
  t.throws(() => kernel.open('lock.open', `${dir}/none`, {}), { code: 'missing-directory' });
  t.throws(() => kernel.open('lock.open', `${dir}/g`, { create: 0o660, group: 'no-such-group' }), { code: 'io' });
});

t.test('where a file has one name only it is made all the same, once', async (t) => {
  const path = `${t.testdir()}/new`;
  const answer = { code: 'EPERM', syscall: 'link' };
  const link = () => {
    throw Object.assign(new Error('no links here'), answer);
  };
  const onFat = hostKernelLocks({ link });
  const file = onFat.open('lock.open', path, { create: 0o640 });
  t.equal(onFat.tryFlock('lock.take', file), true);
  t.equal(onFat.open('lock.open', path, { create: 0o640 }).ino, file.ino);
  t.same(readdirSync(dirname(path)), ['new']);
  answer.code = 'EIO';
  t.throws(() => onFat.open('lock.open', `${path}er`, { create: 0o640 }), { code: 'io' });
});

t.test('children get no lock descriptor unless it is given to them', async (t) => {
  const path = `${t.testdir({ f: 'x' })}/f`;
  const file = kernel.open('lock.open', path, {});
  kernel.tryFlock('lock.take', file);
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  kernel.close('lock.drop', file);
  t.equal(execFileSync('flock', ['-n', path, 'echo', 'got']).toString(), 'got\n');
  child.kill('SIGKILL');
  await once(child, 'exit');
});

t.test('every step is announced before it is taken', async (t) => {
  const steps: string[] = [];
  const traced = hostKernelLocks({ trace: (op, step) => void steps.push(`${op} ${step}`) });
  const path = `${t.testdir({ f: 'x' })}/f`;
  const file = traced.open('lock.open', path, {});
  traced.tryFlock('lock.take', file);
  traced.tryRecordLock('lock.take', file);
  traced.inode('lock.inode', path);
  traced.drop('lock.drop', file);
  traced.close('lock.drop', file);
  const expected = ['lock.open open', 'lock.take flock', 'lock.take record-lock', 'lock.inode stat', 'lock.drop drop'];
  t.strictSame(steps, [...expected, 'lock.drop close']);
});

t.test('extended attributes are copied', async (t) => {
  const dir = t.testdir({ from: 'x', to: 'y' });
  const set =
    'import os,sys; os.setxattr(sys.argv[1], "user.note", b"a\\x00b"); os.setxattr(sys.argv[1], "user.empty", b"")';
  execFileSync('python3', ['-c', set, `${dir}/from`]);
  const [from, to] = [openSync(`${dir}/from`, 'r'), openSync(`${dir}/to`, 'r+')];
  xattrCopier()(from, to);
  const get = 'import os,sys; print([(n, os.getxattr(sys.argv[1], n)) for n in sorted(os.listxattr(sys.argv[1]))])';
  const listed = execFileSync('python3', ['-c', get, `${dir}/to`]).toString();
  t.match(listed, /'user.empty', b''/);
  t.match(listed, /'user.note', b'a\\x00b'/);
  const none = openSync('/proc/self/status', 'r');
  xattrCopier()(none, to);
  for (const fd of [from, to, none]) closeSync(fd);
  writeFileSync(`${dir}/to`, 'still writable');
});

t.test('what keeps a file from being replaced', async (t) => {
  const why = fixedFinder();
  const path = join(t.testdir({ 'aim.conf': 'x' }), 'aim.conf');
  t.equal(why(path), null);
  t.equal(why('/proc'), 'mount-point');
  t.throws(() => why(`${path}.none`), { code: 'ENOENT' });
  if (process.geteuid?.() !== 0) return t.comment('not root: no file can be made immutable');
  for (const flag of ['i', 'a']) {
    execFileSync('chattr', [`+${flag}`, path]);
    t.equal(why(path), 'immutable', flag);
    execFileSync('chattr', [`-${flag}`, path]);
  }
});
