import type { Inode } from '../ports/kernel.ts';
import type { LockState } from '../values/lock.ts';
import type { Parts } from './parts.ts';
import type { FreeRecord } from './record.ts';
import { type FreeLock, readWord } from './settle.ts';

/** The kernel's own number of the pid namespace of the machine: there, /proc/locks leaves no lock out. Source: linux/proc_ns.h. */
const PID_NAMESPACE_OF_MACHINE = 0xeffffffc;

/**
 * True while nothing speaks against COLD: a few small reads and no kernel lock, for no mere look may ever refuse somebody else. What it
 * cannot see (a holder in another pid namespace) the grant still meets, and from then on looks reach for the lock. Throws Failure.
 */
export function isQuiet(parts: Parts, last: LockState | null): boolean {
  if (last === null || last.state !== 'COLD' || last.unprivileged !== undefined) return false;
  const ours = parts.hands.sidecar();
  const record = quietRecord(parts, ({ dev, ino }) => ours !== null && ours.dev === dev && ours.ino === ino);
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
  const record = quietRecord(parts, () => true);
  return record && { kind: 'free', token: record.token, unprivileged: [], reclaims: record.reclaims };
}

/** The record, if it says free, the sidecar is the right one, and neither `conf_locked` nor the kernel's list says otherwise. */
function quietRecord(
  { glances, kernel, processes, clock, guarded }: Parts,
  isRight: (sidecar: Inode) => boolean,
): FreeRecord | null {
  const { record, sidecar, guard } = glances.directory();
  if (record === null || record === 'unreadable' || record.mode !== 'free' || record.boot !== clock.bootId) return null;
  if (sidecar === null || !isRight(sidecar) || glances.bit() === '1') return null;
  const inodes = [sidecar.ino];
  // Somebody who stays in the guard keeps everybody from the lock.
  if (guard !== null) inodes.push(guard.ino);
  for (const { path, follow } of guarded) {
    const inode = kernel.inode('lock.inode', path, follow === true);
    if (inode !== null) inodes.push(inode.ino);
  }
  // By inode number alone: on stacked file systems /proc/locks and stat give different device numbers.
  const lines = processes.lockLines();
  return lines === null || lines.some(({ ino }) => inodes.includes(ino)) ? null : record;
}
