import type { Op } from '../values/ops.ts';

/** The identity of a file: what a path leads to now, or what a descriptor holds on to. */
export interface Inode {
  readonly dev: number;
  readonly ino: number;
}

/** An opened descriptor that can carry kernel locks. */
export interface LockFd extends Inode {
  readonly fd: number;
  /** Owner of the file. */
  readonly uid: number;
  /** Opened without the right to write: its record lock is a shared one. */
  readonly readOnly: boolean;
}

/** How {@link KernelLocks.open} opens a file. */
export interface LockOpen {
  /** Creates the file with this mode if it is missing. */
  readonly create?: number;
  /** Group a file created here is given to; a group that does not exist is a Failure. */
  readonly group?: string | undefined;
  readonly readOnly?: boolean;
  /** Goes through a symlink. */
  readonly follow?: boolean;
}

/** Kernel locks of both families (flock and open-file-description locks). Throws Failure like {@link Files}. */
export interface KernelLocks {
  /** Opens a regular file read-write, close-on-exec, never through a symlink unless asked to. */
  open(op: Op, path: string, how: LockOpen): LockFd;
  /** flock EX alone, non-blocking. */
  tryFlock(op: Op, file: LockFd): boolean;
  /** OFD write lock (shared on a read-only descriptor) alone, non-blocking. */
  tryRecordLock(op: Op, file: LockFd): boolean;
  /** Frees both families, also for whoever else has the descriptor. */
  drop(op: Op, file: LockFd): void;
  /** Closes the descriptor; its locks live on as long as somebody else has it. */
  close(op: Op, file: LockFd): void;
  /** What a path leads to now, symlinks followed if asked to; null if nothing. */
  inode(op: Op, path: string, follow?: boolean): Inode | null;
}
