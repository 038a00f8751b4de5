import * as fs from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { DiskSync } from '../ports/files.ts';
import type { Target, Targets } from '../ports/targets.ts';
import type { Trace } from '../ports/world.ts';
import { errnoOf, failureOf } from '../values/errno.ts';
import { Failure } from '../values/errors.ts';
import type { Op } from '../values/ops.ts';

/** Copies extended attributes (ACLs among them) from one descriptor to another. */
export type CopyAttributes = (from: number, to: number) => void;

/** What keeps a file from being replaced: null, or which of the two. Throws with the errno of the call. */
export type WhyFixed = (path: string) => 'immutable' | 'mount-point' | null;

/** Type of a FAT file system in statfs. Source: MSDOS_SUPER_MAGIC of the kernel. */
const FAT_TYPE = 0x4d44;
/** Most links that are followed on the way to one file. Source: the kernel's own limit. */
const LINKS_MAX = 40;
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const fsync = promisify(fs.fsync);

function unsafe(op: Op, path: string, why: string): Failure {
  return new Failure('unsafe-path', op, path, `${path}: ${why}`, { retry: false });
}

/** Where a path really leads, each step checked. Throws Failure unsafe-path. */
function resolveSafely(op: Op, path: string, follow: boolean, self: number): { dir: string; name: string } {
  let rest = resolve(path).split('/').filter(Boolean);
  let here = '/';
  let links = 0;
  let owner: number | null = null;
  const dirs: { path: string; stat: fs.Stats }[] = [{ path: '/', stat: fs.lstatSync('/') }];
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    const next = here === '/' ? `/${part}` : `${here}/${part}`;
    const stat = fs.lstatSync(next, { throwIfNoEntry: false });
    if (stat === undefined) {
      if (rest.length > 0) throw failureOf(op, next, Object.assign(new Error('no such directory'), { code: 'ENOENT' }));
      here = next;
    } else if (stat.isSymbolicLink()) {
      if (!follow) throw unsafe(op, next, 'is a symlink (say `follow: true` if root made it on purpose)');
      if (stat.uid !== 0) throw unsafe(op, next, 'is a symlink that root did not make');
      links += 1;
      if (links > LINKS_MAX) throw unsafe(op, next, 'leads through too many symlinks');
      rest = [...resolve(here, fs.readlinkSync(next)).split('/').filter(Boolean), ...rest];
      here = '/';
      dirs.length = 1;
    } else if (rest.length > 0) {
      if (!stat.isDirectory()) throw unsafe(op, next, 'is not a directory');
      dirs.push({ path: next, stat });
      here = next;
    } else {
      owner = stat.uid;
      here = next;
    }
  }
  for (const dir of dirs) {
    const trusted = dir.stat.uid === 0 || dir.stat.uid === self || dir.stat.uid === owner;
    if (!trusted)
      throw unsafe(
        op,
        dir.path,
        `belongs to user ${dir.stat.uid}, who is neither root, the agent nor the owner of the file`,
      );
    const loose = (dir.stat.mode & 0o002) !== 0 || ((dir.stat.mode & 0o020) !== 0 && dir.stat.gid !== 0);
    if (loose && (dir.stat.mode & 0o1000) === 0) throw unsafe(op, dir.path, 'can be written by others');
  }
  return { dir: dirname(here), name: basename(here) };
}

/** Gives a new file to whom the old one belongs. Only root, and who has CAP_CHOWN, may give to others. */
function giveTo(op: Op, fd: number, shown: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  try {
    fs.fchownSync(fd, uid, gid);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error;
    const agent = `${process.geteuid?.()}:${process.getegid?.()}`;
    const why = `belongs to ${uid}:${gid}, to whom the agent (${agent}) may not give a file: it needs CAP_CHOWN`;
    throw new Failure('no-permission', op, shown, `${shown}: ${why}`, { retry: true, cause: error });
  }
}

/** The config files of this machine. */
export function hostTargets(
  options: {
    readonly trace?: Trace;
    readonly copyAttributes?: CopyAttributes;
    readonly sync?: DiskSync;
    /** Absent: an immutable file and a mount point are noticed only when they cannot be replaced. */
    readonly whyFixed?: WhyFixed;
    /** True for who may write whatever the modes say: access(2) tells of the user alone, not of capabilities. */
    readonly writesAnywhere?: boolean;
    /** The type of the file system, as statfs gives it. */
    readonly typeOf?: (path: string) => number;
  } = {},
): Targets {
  const trace: Trace = options.trace ?? (() => {});
  const sync: DiskSync = options.sync ?? ((fd) => fsync(fd));
  const self = process.geteuid?.() ?? 0;
  const typeOf = options.typeOf ?? ((path: string) => fs.statfsSync(path).type);

  const attempt = <T>(op: Op, step: string, path: string, fn: () => T): T => {
    trace(op, step);
    try {
      return fn();
    } catch (error) {
      throw failureOf(op, path, error);
    }
  };

  /** Opens a regular file with one link, never through a symlink; null if there is none. */
  const openFile = (op: Op, path: string, shown: string): { fd: number; stat: fs.Stats } | null => {
    trace(op, 'open');
    try {
      // Without waiting: a FIFO in the file's place is refused below, not waited for.
      const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const stat = fs.fstatSync(fd);
      if (stat.isFile() && stat.nlink <= 1) return { fd, stat };
      fs.closeSync(fd);
      throw unsafe(op, shown, stat.isFile() ? 'has more than one hard link' : 'is not a regular file');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      if (errnoOf(error) === 'ELOOP') throw unsafe(op, shown, 'is a symlink');
      throw failureOf(op, shown, error);
    }
  };

  const open = (op: Op, path: string, how: { readonly follow: boolean }): Target => {
    const { dir, name } = attempt(op, 'resolve', path, () => resolveSafely(op, path, how.follow, self));
    const dirFd = attempt(op, 'open-dir', dir, () => fs.openSync(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const inside = (file: string) => `/proc/self/fd/${dirFd}/${file}`;
    const shown = dir === '/' ? `/${name}` : `${dir}/${name}`;
    const stagedPrefix = `.${name}.`;
    // No dot in the middle: a staged file of `a.conf` is none of `a`.
    const isStaged = (file: string) =>
      file.startsWith(stagedPrefix) && /^[a-z0-9]+\.locksmith$/.test(file.slice(stagedPrefix.length));

    const contentOf = (readOp: Op, path: string): Uint8Array | null => {
      const file = openFile(readOp, path, shown);
      if (file === null) return null;
      try {
        return attempt(readOp, 'read', shown, () => fs.readFileSync(file.fd));
      } finally {
        fs.closeSync(file.fd);
      }
    };

    const refuseFixed = (fixedOp: Op) => {
      const why = attempt(fixedOp, 'attributes', shown, () => options.whyFixed?.(inside(name)) ?? null);
      if (why === 'mount-point') throw unsafe(fixedOp, shown, 'is a mount point of its own, which cannot be replaced');
      if (why !== 'immutable') return;
      const message = `${shown}: is immutable or append-only (lsattr shows it, chattr -ia ends it)`;
      throw new Failure('no-permission', fixedOp, shown, message, { retry: true });
    };

    return {
      shownPath: (file) => (dir === '/' ? `/${file}` : `${dir}/${file}`),
      path: (file = name) => inside(file),

      read: (readOp) => contentOf(readOp, inside(name)),

      examine(examineOp) {
        if (options.writesAnywhere !== true)
          attempt(examineOp, 'access', dir, () => fs.accessSync(inside('.'), fs.constants.W_OK));
        if (fs.existsSync(inside(name))) refuseFixed(examineOp);
        const type = attempt(examineOp, 'statfs', dir, () => typeOf(inside('.')));
        return type === FAT_TYPE ? 'lies on FAT, where a rename is not atomic: a power cut can leave it torn' : null;
      },

      look(lookOp) {
        const file = openFile(lookOp, inside(name), shown);
        if (file === null) return null;
        fs.closeSync(file.fd);
        refuseFixed(lookOp);
        const { mode, uid, gid } = file.stat;
        return { mode: mode & 0o1777, uid, gid };
      },

      async stage(stageOp, bytes, absent = null) {
        const staged = `${stagedPrefix}${Math.random().toString(36).slice(2, 12)}.locksmith`;
        const present = openFile(stageOp, inside(name), shown);
        let fd: number | null = null;
        try {
          if (present !== null) refuseFixed(stageOp);
          const fresh = attempt(stageOp, 'create', shown, () =>
            fs.openSync(inside(staged), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
          );
          fd = fresh;
          attempt(stageOp, 'write', shown, () => fs.writeFileSync(fresh, bytes));
          attempt(stageOp, 'owner', shown, () => {
            const like = present?.stat ?? absent ?? fs.fstatSync(dirFd);
            const mine = fs.fstatSync(fresh);
            if (like.uid !== mine.uid || like.gid !== mine.gid) giveTo(stageOp, fresh, shown, like);
          });
          // After the owner: a change of owner clears mode bits.
          attempt(stageOp, 'mode', shown, () =>
            fs.fchmodSync(fresh, (present?.stat.mode ?? absent?.mode ?? 0o644) & 0o1777),
          );
          if (present !== null && options.copyAttributes !== undefined) {
            const copy = options.copyAttributes;
            attempt(stageOp, 'attributes', shown, () => copy(present.fd, fresh));
          }
          trace(stageOp, 'sync');
          await sync(fresh, 'all');
        } catch (error) {
          if (fd !== null) fs.rmSync(inside(staged), { force: true });
          throw failureOf(stageOp, shown, error);
        } finally {
          if (fd !== null) fs.closeSync(fd);
          if (present !== null) fs.closeSync(present.fd);
        }
        return staged;
      },

      put: (putOp, staged) => attempt(putOp, 'rename', shown, () => fs.renameSync(inside(staged), inside(name))),
      remove: (removeOp) => attempt(removeOp, 'remove', shown, () => fs.rmSync(inside(name), { force: true })),
      discard: (discardOp, staged) =>
        attempt(discardOp, 'remove', shown, () => fs.rmSync(inside(staged), { force: true })),
      leftovers: (listOp) => attempt(listOp, 'list', dir, () => fs.readdirSync(inside('.')).filter(isStaged)),

      readStaged: (readOp, staged) => (isStaged(staged) ? contentOf(readOp, inside(staged)) : null),

      async sync(syncOp) {
        trace(syncOp, 'sync-dir');
        try {
          await sync(dirFd, 'all');
        } catch (error) {
          throw failureOf(syncOp, dir, error);
        }
      },
      close: () => fs.closeSync(dirFd),
    };
  };
  return { open };
}
