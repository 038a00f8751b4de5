import type { Inode } from './kernel.ts';

/** A process as /proc describes it; null where it cannot be read. */
export interface ProcessInfo {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot, in the time namespace of the reader. */
  readonly start: number | null;
  /** Base name of its program, with the script for an interpreter; never all of its arguments. */
  readonly command: string | null;
  readonly uid: number | null;
  readonly user: string | null;
  /** systemd unit or container from its cgroup. */
  readonly unit: string | null;
  /** Inodes of its namespaces. */
  readonly pidNamespace: number | null;
  readonly timeNamespace: number | null;
  /** Ended, but not yet reaped: it has no descriptor any more. */
  readonly zombie: boolean;
}

/** One granted lock out of /proc/locks. */
export interface LockLine extends Inode {
  readonly family: 'flock' | 'posix' | 'ofd';
  /** Who took it; -1 for OFD locks, and it may be long dead. */
  readonly pid: number;
}

/** Who has a descriptor that carries a lock on an inode. */
export interface LockSearch {
  readonly pids: readonly number[];
  /** Processes that could not be looked into (we are not root, or they are shielded): they may have it too. */
  readonly unseen: readonly number[];
}

/** What became of a signal. `denied`: the process is there, and may not be sent one by us. */
export type Signalled = 'sent' | 'gone' | 'denied';

/** Processes of this machine. Reading only; nothing here throws but for our own bugs. */
export interface Processes {
  /** The process we are. */
  self(): ProcessInfo;
  /** A process; null only if it is certainly gone. */
  describe(pid: number): ProcessInfo | null;
  /** Granted locks that /proc/locks shows in our pid namespace; null if it cannot be read now, which says nothing of any lock. */
  lockLines(): readonly LockLine[] | null;
  /**
   * Processes whose descriptors carry a lock on the inode, ourselves left out. Looks at `hints` first and only if those are fewer than
   * `enough` at all of /proc (30-100 ms at 300 processes).
   */
  holders(file: Inode, hints: readonly number[], enough: number): LockSearch;
  /** Sends a signal to a process, unless its pid was given to another one meanwhile; `0` sends none and only says whether we may. */
  signal(pid: number, start: number | null, signal: 'SIGTERM' | 'SIGKILL' | 0): Signalled;
}

/** Services of this machine that may write a config. */
export interface Units {
  running(unit: string): Promise<boolean>;
  /** Stops a service and waits until it is down. Throws Failure io. */
  stop(unit: string): Promise<void>;
  /** Starts a service. Throws Failure io. */
  start(unit: string): Promise<void>;
  /** Has a service read its config anew, or restarts it where it cannot, and waits for that. Throws Failure io. */
  reload(unit: string, withinMs: number): Promise<void>;
}
