import type { Inode } from '../ports/kernel.ts';
import type { LockState } from '../values/lock.ts';
import type { Parts } from './parts.ts';
import type { FreeRecord } from './record.ts';
import { type FreeLock, readRecord, readWord } from './settle.ts';

/** The kernel's own number of the pid namespace of the machine: there, /proc/locks leaves no lock out. Source: linux/proc_ns.h. */
const PID_NAMESPACE_OF_MACHINE = 0xeffffffc;

/**
 * True while nothing speaks against COLD: a few small reads and no kernel lock, for no mere look may ever refuse somebody else. What it
 * cannot see (a holder in another pid namespace) the grant still meets, and from then on looks reach for the lock. Throws Failure.
 */
export function isQuiet(parts: Parts, last: LockState | null): boolean {
  if (last === null || last.state !== 'COLD' || last.unprivileged !== undefined) return false;
  const { hands } = parts;
  const record = quietRecord(parts, hands.intact() ? hands.sidecar() : null);
  return record !== null && record.token === last.token;
}

/**
 * The lock as free, found without a kernel lock where the list of all kernel locks proves as much; null where it has to be tried: within
 * a container, or if anything speaks against COLD. Throws Failure.
 */
export function freeByList(parts: Parts): FreeLock | null {
  if (parts.self.pidNamespace !== PID_NAMESPACE_OF_MACHINE) return null;
  // The agent found somebody: that deserves a closer look.
  if (readWord(parts.files, parts.paths.state) === 'HOT') return null;
  const record = quietRecord(parts, parts.kernel.inode('lock.inode', parts.paths.sidecar));
  return record && { kind: 'free', token: record.token, unprivileged: [], reclaims: record.reclaims };
}

/** The record, if it says free and neither `conf_locked` nor the kernel's list says otherwise. */
function quietRecord(
  { files, kernel, processes, clock, paths, guarded }: Parts,
  sidecar: Inode | null,
): FreeRecord | null {
  const record = readRecord(files, paths.record);
  if (record === null || record === 'unreadable' || record.mode !== 'free' || record.boot !== clock.bootId) return null;
  if (sidecar === null || readWord(files, paths.bit) === '1') return null;
  const inodes = new Set([sidecar.ino]);
  // Somebody who stays in the guard keeps everybody from the lock.
  for (const { path, follow } of [{ path: paths.guard, follow: false }, ...guarded]) {
    const inode = kernel.inode('lock.inode', path, follow === true);
    if (inode !== null) inodes.add(inode.ino);
  }
  // By inode number alone: on stacked file systems /proc/locks and stat give different device numbers.
  return processes.lockLines().some(({ ino }) => inodes.has(ino)) ? null : record;
}
