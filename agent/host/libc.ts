import * as fs from 'node:fs';
import koffi from 'koffi';
import type { Bequeath } from '../ports/files.ts';
import type { KernelLocks, LockFd } from '../ports/kernel.ts';
import type { Trace } from '../ports/world.ts';
import { errnoOf, failureOf } from '../values/errno.ts';
import { Failure } from '../values/errors.ts';
import type { Op } from '../values/ops.ts';

// Source of the numbers: <sys/file.h>, <fcntl.h>; the same on every Linux this runs on.
const LOCK_EX_NB = 2 | 4;
const LOCK_UN = 8;
const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;
/** sizeof(struct flock64): two int16, padding, two int64, an int32. */
const FLOCK_BYTES = 32;

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

type Fcntl = (fd: number, cmd: number, lock: Uint8Array) => number;

function errorOf(number: number, what: string): Error {
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  return Object.assign(new Error(`${what}: ${name}`), { code: name });
}

/** A whole-file lock request as the kernel reads it; start, length and pid stay 0. */
function request(type: number): Uint8Array {
  const bytes = Buffer.alloc(FLOCK_BYTES);
  bytes.writeInt16LE(type, 0);
  return bytes;
}

function gidOf(group: string): number {
  for (const line of fs.readFileSync('/etc/group', 'latin1').split('\n')) {
    const [name, , gid] = line.split(':');
    if (name === group && gid !== undefined) return Number(gid);
  }
  throw Object.assign(new Error(`there is no group '${group}'`), { code: 'ENOGROUP' });
}

/** True for the answer of a file system on which a file has one name only, as FAT is. */
function hasNoLinks(error: unknown): boolean {
  const isLink = error instanceof Error && 'syscall' in error && error.syscall === 'link';
  return isLink && ['EPERM', 'ENOTSUP', 'ENOSYS'].includes(errnoOf(error) ?? '');
}

function notAFile(op: Op, path: string): Failure {
  return new Failure('unsafe-path', op, path, `${path}: is not a regular file`, { retry: false });
}

/**
 * The kernel locks of this machine, by libc. Loads the foreign-function addon, about 10 ms and 3 MB. `bequeath` says to whom a lock file
 * that is made belongs; else it is ours.
 */
export function hostKernelLocks(
  options: {
    readonly trace?: Trace;
    readonly bequeath?: Bequeath;
    /** link(2). */
    readonly link?: (from: string, to: string) => void;
  } = {},
): KernelLocks {
  const { trace = () => {}, bequeath = () => {}, link = fs.linkSync } = options;
  const libc = koffi.load(null);
  const flock: (fd: number, operation: number) => number = libc.func('int flock(int fd, int operation)');
  const fcntl: Fcntl = libc.func('fcntl64', 'int', ['int', 'int', 'void *']);

  /** Runs a call that may say "somebody else has it" (false) or fail. */
  const attempt = (op: Op, step: string, file: LockFd, call: () => number): boolean => {
    trace(op, step);
    if (call() === 0) return true;
    const { EWOULDBLOCK, EAGAIN, EACCES } = koffi.os.errno;
    const number = koffi.errno();
    if (number === EWOULDBLOCK || number === EAGAIN || number === EACCES) return false;
    throw failureOf(op, `inode ${file.ino}`, errorOf(number, step));
  };

  const openFile = (path: string, flags: number, create: number | undefined, group: string | undefined): number => {
    if (create === undefined) return fs.openSync(path, flags);
    try {
      return fs.openSync(path, flags);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    // Prepared under another name and linked in, so that nobody meets it with a mode or group it will not keep.
    const temp = `${path}.${process.pid}.${Math.random().toString(36).slice(2, 10)}.tmp`;
    const fd = fs.openSync(temp, flags | O_CREAT | O_EXCL, create);
    try {
      bequeath(fd, path);
      if (group !== undefined) fs.fchownSync(fd, -1, gidOf(group));
      fs.fchmodSync(fd, create);
      link(temp, path);
      return fd;
    } catch (error) {
      fs.closeSync(fd);
      if (errnoOf(error) === 'EEXIST') return fs.openSync(path, flags);
      // Nor has a file an owner or a mode of its own there: whoever meets it meets it as it stays.
      if (hasNoLinks(error)) return fs.openSync(path, flags | O_CREAT, create);
      throw error;
    } finally {
      fs.rmSync(temp, { force: true });
    }
  };

  return {
    open(op, path, how) {
      trace(op, 'open');
      const readOnly = how.readOnly === true;
      const flags = (readOnly ? O_RDONLY : O_RDWR) | O_NONBLOCK | (how.follow === true ? 0 : O_NOFOLLOW);
      try {
        const fd = openFile(path, flags, how.create, how.group);
        const stat = fs.fstatSync(fd);
        if (!stat.isFile()) {
          fs.closeSync(fd);
          throw notAFile(op, path);
        }
        return { fd, dev: stat.dev, ino: stat.ino, uid: stat.uid, readOnly };
      } catch (error) {
        if (errnoOf(error) === 'EISDIR' || errnoOf(error) === 'ENXIO') throw notAFile(op, path);
        throw failureOf(op, path, error);
      }
    },

    tryFlock: (op, file) => attempt(op, 'flock', file, () => flock(file.fd, LOCK_EX_NB)),

    tryRecordLock: (op, file) =>
      attempt(op, 'record-lock', file, () => fcntl(file.fd, F_OFD_SETLK, request(file.readOnly ? F_RDLCK : F_WRLCK))),

    drop(op, file) {
      trace(op, 'drop');
      const freed = fcntl(file.fd, F_OFD_SETLK, request(F_UNLCK)) === 0 && flock(file.fd, LOCK_UN) === 0;
      if (!freed) throw failureOf(op, `inode ${file.ino}`, errorOf(koffi.errno(), 'drop'));
    },

    close(op, file) {
      trace(op, 'close');
      fs.closeSync(file.fd);
    },

    inode(op, path, follow) {
      trace(op, 'stat');
      try {
        const look = follow === true ? fs.statSync : fs.lstatSync;
        const stat = look(path, { throwIfNoEntry: false });
        return stat === undefined ? null : { dev: stat.dev, ino: stat.ino };
      } catch (error) {
        throw failureOf(op, path, error);
      }
    },
  };
}

/**
 * Copies extended attributes (access lists, labels, the user's own) from one descriptor to another. A file system without them is
 * fine; capabilities are never copied; labels that only the kernel may set are left to it.
 */
export function xattrCopier(): (fromFd: number, toFd: number) => void {
  const libc = koffi.load(null);
  const list: (fd: number, names: Uint8Array | null, size: number) => number = libc.func('flistxattr', 'intptr_t', [
    'int',
    'void *',
    'size_t',
  ]);
  const get: (fd: number, name: string, value: Uint8Array | null, size: number) => number = libc.func(
    'fgetxattr',
    'intptr_t',
    ['int', 'str', 'void *', 'size_t'],
  );
  const set: (fd: number, name: string, value: Uint8Array, size: number, flags: number) => number = libc.func(
    'fsetxattr',
    'int',
    ['int', 'str', 'void *', 'size_t', 'int'],
  );
  const { ENOTSUP, EPERM, EACCES, ENODATA } = koffi.os.errno;
  return (fromFd, toFd) => {
    const size = list(fromFd, null, 0);
    if (size < 0 && koffi.errno() === ENOTSUP) return;
    if (size < 0) throw errorOf(koffi.errno(), 'flistxattr');
    const names = Buffer.alloc(size);
    const filled = size === 0 ? 0 : list(fromFd, names, size);
    for (const name of names.subarray(0, Math.max(0, filled)).toString('utf8').split('\0')) {
      if (name === '' || name === 'security.capability') continue;
      const length = get(fromFd, name, null, 0);
      if (length < 0 && koffi.errno() === ENODATA) continue;
      if (length < 0) throw errorOf(koffi.errno(), `fgetxattr ${name}`);
      const value = Buffer.alloc(Math.max(1, length));
      const got = get(fromFd, name, value, length);
      if (got >= 0 && set(toFd, name, value, got, 0) === 0) continue;
      const number = koffi.errno();
      const kernels = name.startsWith('security.') || name.startsWith('trusted.');
      if (number === ENOTSUP || (kernels && (number === EPERM || number === EACCES))) continue;
      throw errorOf(number, `fsetxattr ${name}`);
    }
  };
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** sizeof(struct statx), and where stx_attributes (64 bits) stands in it. */
const STATX_BYTES = 256;
const STATX_ATTRIBUTES_AT = 8;
/** STATX_ATTR_IMMUTABLE and STATX_ATTR_APPEND. */
const FIXED_BITS = 0x10 | 0x20;
/** STATX_ATTR_MOUNT_ROOT. */
const MOUNT_BITS = 0x2000;

/** What keeps a file from being replaced, by the attributes the kernel gives; symlinks not followed. Throws with the errno. */
export function fixedFinder(): (path: string) => 'immutable' | 'mount-point' | null {
  const libc = koffi.load(null);
  const statx: (dir: number, path: string, flags: number, mask: number, result: Uint8Array) => number = libc.func(
    'int statx(int dir, const char *path, int flags, unsigned int mask, void *result)',
  );
  return (path) => {
    const result = Buffer.alloc(STATX_BYTES);
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, result) !== 0) throw errorOf(koffi.errno(), 'statx');
    const bits = result.readUInt32LE(STATX_ATTRIBUTES_AT);
    if ((bits & FIXED_BITS) !== 0) return 'immutable';
    return (bits & MOUNT_BITS) !== 0 ? 'mount-point' : null;
  };
}
