import type { Inode, KernelLocks, LockFd } from '../ports/kernel.ts';
import { Failure } from '../values/errors.ts';
import type { Holder } from '../values/lock.ts';

/** A file of a config, as the settings give it. */
export interface GuardedFile {
  readonly path: string;
  readonly follow?: boolean | undefined;
}

/** What came of reaching for the kernel locks of a config. */
export type Reach =
  | { readonly kind: 'got'; readonly unprivileged: readonly Holder[] }
  | { readonly kind: 'refused'; readonly where: 'sidecar' | 'file'; readonly path: string; readonly file: LockFd };

/** Says whose lock on a config file need not be heeded; null if it counts. */
export type Judge = (file: LockFd) => readonly Holder[] | null;

/**
 * The kernel locks of one config in the hands of this process: the sidecar, then the inodes of all its existing files. The sidecar stays
 * open between grants, for opening costs more than locking. Methods throw Failure; nothing is held then.
 */
export interface Hands {
  /** Takes all or nothing, without waiting. Under the guard only. */
  reach(judge: Judge): Reach;
  /** Locks one more file (staged, about to be renamed in) for as long as the rest. */
  cover(path: string): void;
  /** The sidecar that is open; null before the first reach. */
  sidecar(): LockFd | null;
  /** True while the path of the sidecar leads to the one we have. */
  intact(): boolean;
  /** Descriptors that carry the locks, for a child that shall have them too. */
  descriptors(): readonly number[];
  /** Frees everything, also for a child that has the descriptors; the sidecar last. */
  drop(): void;
  close(): void;
}

/** How often a file replaced under our hands is opened anew before we give up. */
const REOPEN_MAX = 5;

const same = (a: Inode, b: Inode | null) => b !== null && a.dev === b.dev && a.ino === b.ino;

/** Hands for the lock of one config. */
export function openHands(
  kernel: KernelLocks,
  sidecarPath: string,
  group: string | undefined,
  files: readonly GuardedFile[],
): Hands {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const state: { sidecar: LockFd | null; taken: LockFd[] } = { sidecar: null, taken: [] };

  const intact = () => state.sidecar !== null && same(state.sidecar, kernel.inode('lock.inode', sidecarPath));

  const closeSidecar = () => {
    if (state.sidecar !== null) kernel.close('lock.open', state.sidecar);
    state.sidecar = null;
  };

  const drop = () => {
    for (const file of state.taken.splice(0).reverse()) {
      kernel.drop('lock.drop', file);
      kernel.close('lock.drop', file);
    }
    if (state.sidecar !== null) kernel.drop('lock.drop', state.sidecar);
  };

  const takeBoth = (file: LockFd): boolean => {
    if (!kernel.tryFlock('lock.take', file)) return false;
    if (kernel.tryRecordLock('lock.take', file)) return true;
    kernel.drop('lock.drop', file);
    return false;
  };

  /** The sidecar in our hands, or null: somebody has it. Never one that its path no longer leads to. */
  const reachSidecar = (): boolean => {
    for (let round = 0; round < REOPEN_MAX; round += 1) {
      if (!intact()) {
        closeSidecar();
        state.sidecar = kernel.open('lock.open', sidecarPath, { create: 0o660, group });
      }
      const { sidecar } = state;
      if (sidecar === null || !takeBoth(sidecar)) return false;
      if (intact()) return true;
      kernel.drop('lock.drop', sidecar);
    }
    throw new Failure('io', 'lock.open', sidecarPath, `${sidecarPath}: is replaced again and again`, { retry: true });
  };

  /** A config file opened for locking; null where there is none to lock: missing, or nothing we could replace anyway. */
  const openFile = ({ path, follow }: GuardedFile): LockFd | null => {
    for (const readOnly of [false, true]) {
      try {
        return kernel.open('lock.open', path, { readOnly, follow: follow === true });
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        if (error.code === 'missing-directory' || error.code === 'unsafe-path') return null;
        if (error.code !== 'no-permission' && error.code !== 'read-only') throw error;
      }
    }
    return null;
  };

  /** Locks a file; returns the holders that may be passed over, or null if one of them counts. */
  const reachFile = (file: LockFd, judge: Judge): readonly Holder[] | null => {
    const flocked = kernel.tryFlock('lock.take', file);
    const locked = kernel.tryRecordLock('lock.take', file);
    return flocked && locked ? [] : judge(file);
  };

  const reachFiles = (judge: Judge): Reach => {
    const unprivileged: Holder[] = [];
    for (const guarded of sorted) {
      for (let round = 0; round < REOPEN_MAX; round += 1) {
        const file = openFile(guarded);
        if (file === null) break;
        if (state.taken.some((taken) => same(taken, file))) {
          kernel.close('lock.open', file);
          break;
        }
        state.taken.push(file);
        const passedOver = reachFile(file, judge);
        if (passedOver === null) return { kind: 'refused', where: 'file', path: guarded.path, file };
        unprivileged.push(...passedOver);
        if (same(file, kernel.inode('lock.inode', guarded.path, guarded.follow === true))) break;
        state.taken.pop();
        kernel.close('lock.drop', file);
      }
    }
    return { kind: 'got', unprivileged };
  };

  return {
    reach(judge) {
      if (!reachSidecar()) {
        if (state.sidecar === null) throw new Error('the sidecar was refused without being open');
        return { kind: 'refused', where: 'sidecar', path: sidecarPath, file: state.sidecar };
      }
      try {
        const reach = reachFiles(judge);
        if (reach.kind === 'refused') drop();
        return reach;
      } catch (error) {
        drop();
        throw error;
      }
    },
    cover(path) {
      const file = kernel.open('lock.open', path, {});
      state.taken.push(file);
      if (kernel.tryFlock('lock.take', file)) kernel.tryRecordLock('lock.take', file);
    },
    sidecar: () => state.sidecar,
    intact,
    descriptors: () => [...(state.sidecar === null ? [] : [state.sidecar]), ...state.taken].map(({ fd }) => fd),
    drop,
    close() {
      drop();
      closeSidecar();
    },
  };
}
