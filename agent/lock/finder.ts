import type { Inode, LockFd } from '../ports/kernel.ts';
import type { Processes, ProcessInfo } from '../ports/processes.ts';
import type { Holder } from '../values/lock.ts';
import type { HeldRecord } from './record.ts';
import type { OwnerState } from './verdict.ts';

/** Who has a lock on an inode, as far as /proc tells. */
export interface Finding {
  readonly holders: readonly ProcessInfo[];
  /** The pid on the kernel's lock line, if that process is gone though the lock is there. */
  readonly takerGone: number | null;
  /** False if some processes could not be looked into. */
  readonly complete: boolean;
  /** Every lock on the inode is known, and has a process to it. */
  readonly attributed: boolean;
}

/** What is said of a process to the fleet. */
export function toHolder({ pid, start, command, user, unit }: ProcessInfo): Holder {
  return { pid, start, command, user, unit };
}

/** Looks for the processes that have a lock on an inode; `hints`: pids to look at first, which saves the scan of all of /proc. */
export function findHolders(processes: Processes, file: Inode, hints: readonly number[]): Finding {
  const all = processes.lockLines();
  const lines = (all ?? []).filter(({ dev, ino }) => dev === file.dev && ino === file.ino);
  const takers = lines.flatMap(({ pid }) => (pid > 0 ? [pid] : []));
  const search = processes.holders(file, [...takers, ...hints], Math.max(1, lines.length));
  const gone = takers.find((pid) => (processes.describe(pid) ?? { zombie: true }).zombie) ?? null;
  // A taker that cannot be looked into is taken at the lock line's word; one that can, and has no descriptor, has passed it on.
  const pids = search.pids.length > 0 ? search.pids : takers.filter((pid) => search.unseen.includes(pid));
  const holders = pids.flatMap((pid) => processes.describe(pid) ?? []).filter(({ zombie }) => !zombie);
  return {
    holders,
    takerGone: gone,
    complete: search.unseen.length === 0,
    attributed: all !== null && holders.length >= Math.max(1, lines.length),
  };
}

/** Whose lock on a config file counts. Source: any local user can flock a world-readable file. */
export function mayBlock(holder: ProcessInfo, file: LockFd, self: ProcessInfo, honour: readonly string[]): boolean {
  if (holder.uid === null || holder.uid === 0 || holder.uid === self.uid || holder.uid === file.uid) return true;
  return holder.user === null || honour.includes(holder.user);
}

/** What became of the process on a record. What cannot be compared is unknown, and unknown is not gone. */
export function ownerState(record: HeldRecord, processes: Processes, self: ProcessInfo): OwnerState {
  const { pid, start } = record.holder;
  if (pid === 0) return record.kind === 'lease' ? 'none' : 'unknown';
  if (record.pidNamespace === null || record.pidNamespace !== self.pidNamespace) return 'unknown';
  const now = processes.describe(pid);
  if (now === null || now.zombie) return 'gone';
  if (start === null || now.start === null) return 'unknown';
  if (record.timeNamespace === null || record.timeNamespace !== self.timeNamespace) return 'unknown';
  return now.start === start ? 'alive' : 'gone';
}
