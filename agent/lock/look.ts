import type { LockState } from '../values/lock.ts';
import type { Parts } from './parts.ts';
import { readRecord, readWord } from './settle.ts';

/**
 * True while nothing speaks against COLD: a few small reads and no kernel lock, for no mere look may ever refuse somebody else. What it
 * cannot see (a holder in another pid namespace) the grant still meets, and from then on looks reach for the lock. Throws Failure.
 */
export function isQuiet(parts: Parts, last: LockState | null): boolean {
  const { files, kernel, processes, clock, paths, hands, guarded } = parts;
  if (last === null || last.state !== 'COLD' || last.unprivileged !== undefined) return false;
  const record = readRecord(files, paths.record);
  if (record === null || record === 'unreadable' || record.mode !== 'free' || record.boot !== clock.bootId)
    return false;
  if (record.token !== last.token || !hands.intact() || readWord(files, paths.bit) === '1') return false;
  const inodes = new Set<number>();
  const sidecar = hands.sidecar();
  if (sidecar !== null) inodes.add(sidecar.ino);
  for (const { path, follow } of guarded) {
    const inode = kernel.inode('lock.inode', path, follow === true);
    if (inode !== null) inodes.add(inode.ino);
  }
  // By inode number alone: on stacked file systems /proc/locks and stat give different device numbers.
  return !processes.lockLines().some(({ ino }) => inodes.has(ino));
}
