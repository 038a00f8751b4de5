import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { AppendFile, Bequeath, DiskSync, FileStat, Files } from '../ports/files.ts';
import type { Trace } from '../ports/world.ts';
import { errnoOf, failureOf } from '../values/errno.ts';
import { Failure } from '../values/errors.ts';
import type { Op } from '../values/ops.ts';

const NO_FOLLOW = fs.constants.O_NOFOLLOW;
/** `NAME.<pid of the writer>.<random>.tmp` */
const TEMP_NAME = /\.(\d+)\.[a-z0-9]+\.tmp$/;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

const fsync = promisify(fs.fsync);
const fdatasync = promisify(fs.fdatasync);

function toStat(stat: fs.Stats): FileStat {
  const kind = stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'directory'
      : stat.isSymbolicLink()
        ? 'symlink'
        : ('other' as const);
  return {
    kind,
    bytes: stat.size,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    links: stat.nlink,
    dev: stat.dev,
    ino: stat.ino,
    modifiedMs: stat.mtimeMs,
    changedMs: stat.ctimeMs,
  };
}

/** The whole file in one read where its size is known; /proc says 0 of files that have content. */
function readAll(fd: number, size: number): Uint8Array {
  if (size === 0) return fs.readFileSync(fd);
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  for (let got = -1; got !== 0 && length < size; length += got)
    got = fs.readSync(fd, bytes, length, size - length, length);
  return bytes.subarray(0, length);
}

const inPool: DiskSync = (fd, how) => (how === 'all' ? fsync(fd) : fdatasync(fd));

/** The files of this machine. `bequeath` says to whom what is made belongs; else it is ours. */
export function hostFiles(trace: Trace = () => {}, sync: DiskSync = inPool, bequeath: Bequeath = () => {}): Files {
  const attempt = <T>(op: Op, step: string, path: string, fn: () => T): T => {
    trace(op, step);
    try {
      return fn();
    } catch (error) {
      throw failureOf(op, path, error);
    }
  };
  const attemptSync = async (op: Op, step: string, path: string, fd: number, how: 'all' | 'data') => {
    trace(op, step);
    try {
      await sync(fd, how);
    } catch (error) {
      throw failureOf(op, path, error);
    }
  };
  const syncDir = async (op: Op, dir: string) => {
    const fd = attempt(op, 'open-dir', dir, () => fs.openSync(dir, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY));
    try {
      await attemptSync(op, 'sync-dir', dir, fd, 'all');
    } finally {
      fs.closeSync(fd);
    }
  };
  const giveAway = (fd: number, path: string, mode: number) => {
    bequeath(fd, path);
    fs.fchmodSync(fd, mode);
  };
  const tempName = (path: string) => `${path}.${process.pid}.${Math.random().toString(36).slice(2, 10)}.tmp`;
  /** Temporary files that are being written right now: while one is synced, others have their turn, and one of them may be tidying up. */
  const underWay = new Set<string>();
  const createFlags = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | NO_FOLLOW;

  return {
    read(op, path, maxBytes) {
      trace(op, 'read');
      try {
        // Without waiting: nobody may ever write to a FIFO that was put in a file's place.
        const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
        try {
          const { size } = fs.fstatSync(fd);
          if (maxBytes !== undefined && size > maxBytes) {
            throw new Failure('io', op, path, `${path}: ${size} bytes, more than the ${maxBytes} allowed`, {
              retry: false,
            });
          }
          return readAll(fd, size);
        } finally {
          fs.closeSync(fd);
        }
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return null;
        throw failureOf(op, path, error);
      }
    },

    stat(op, path) {
      return attempt(op, 'stat', path, () => {
        const stat = fs.lstatSync(path, { throwIfNoEntry: false });
        return stat === undefined ? null : toStat(stat);
      });
    },

    list(op, dir) {
      trace(op, 'list');
      try {
        return fs.readdirSync(dir);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return [];
        throw failureOf(op, dir, error);
      }
    },

    makeDir(op, dir, mode) {
      attempt(op, 'mkdir', dir, () => {
        const made = fs.mkdirSync(dir, { recursive: true, mode });
        if (made === undefined) return;
        // Not left to the umask: others could not get to the lock below a directory that is closed to them.
        const levels: string[] = [];
        for (let each = dir; each.length >= made.length; each = dirname(each)) levels.unshift(each);
        for (const each of levels) {
          // By descriptor: whom the directory above belongs to might put a link in its place.
          const fd = fs.openSync(each, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | NO_FOLLOW);
          try {
            fs.fchmodSync(fd, mode);
            bequeath(fd, each);
          } finally {
            fs.closeSync(fd);
          }
        }
      });
    },

    remove(op, path) {
      attempt(op, 'remove', path, () => fs.rmSync(path, { force: true }));
    },

    removeTemps(op, dir, whose = 'dead') {
      const names = attempt(op, 'list', dir, () => (fs.existsSync(dir) ? fs.readdirSync(dir) : []));
      for (const name of names) {
        const writer = TEMP_NAME.exec(name)?.[1];
        if (writer === undefined || underWay.has(`${dir}/${name}`)) continue;
        // Our own number: a process that had it before us. An unlucky other process with it only puts this off.
        if (whose === 'dead' && Number(writer) !== process.pid && isAlive(Number(writer))) continue;
        attempt(op, 'remove', `${dir}/${name}`, () => fs.rmSync(`${dir}/${name}`, { force: true }));
      }
    },

    rename(op, from, to) {
      attempt(op, 'rename', to, () => fs.renameSync(from, to));
    },

    async writeDurably(op, path, bytes, mode) {
      const temp = tempName(path);
      const fd = attempt(op, 'create', temp, () => fs.openSync(temp, createFlags, mode));
      underWay.add(temp);
      try {
        attempt(op, 'write', temp, () => fs.writeFileSync(fd, bytes));
        attempt(op, 'mode', temp, () => giveAway(fd, temp, mode));
        await attemptSync(op, 'sync', temp, fd, 'all');
        attempt(op, 'rename', path, () => fs.renameSync(temp, path));
      } catch (error) {
        fs.rmSync(temp, { force: true });
        throw error;
      } finally {
        underWay.delete(temp);
        fs.closeSync(fd);
      }
      await syncDir(op, dirname(path));
    },

    writeView(op, path, text, mode) {
      const temp = tempName(path);
      try {
        const fd = attempt(op, 'create', temp, () => fs.openSync(temp, createFlags, mode));
        try {
          attempt(op, 'write', temp, () => fs.writeFileSync(fd, text));
          attempt(op, 'mode', temp, () => giveAway(fd, temp, mode));
        } finally {
          fs.closeSync(fd);
        }
        attempt(op, 'rename', path, () => fs.renameSync(temp, path));
      } catch (error) {
        fs.rmSync(temp, { force: true });
        throw error;
      }
    },

    syncDir,

    async openAppend(op, path, mode) {
      const existed = fs.existsSync(path);
      const flags = fs.constants.O_RDWR | fs.constants.O_APPEND | fs.constants.O_CREAT | NO_FOLLOW;
      const fd = attempt(op, 'open', path, () => fs.openSync(path, flags, mode));
      try {
        if (!existed) {
          attempt(op, 'mode', path, () => bequeath(fd, path));
          await syncDir(op, dirname(path));
        }
      } catch (error) {
        fs.closeSync(fd);
        throw error;
      }
      let size = fs.fstatSync(fd).size;
      const file: AppendFile = {
        bytes: () => size,
        append(appendOp, bytes) {
          attempt(appendOp, 'write', path, () => {
            let written = 0;
            while (written < bytes.length) written += fs.writeSync(fd, bytes, written);
          });
          size += bytes.length;
        },
        sync: (syncOp) => attemptSync(syncOp, 'sync', path, fd, 'data'),
        truncate(truncateOp, bytes) {
          attempt(truncateOp, 'truncate', path, () => fs.ftruncateSync(fd, bytes));
          size = bytes;
        },
        close: () => fs.closeSync(fd),
      };
      return file;
    },
  };
}
