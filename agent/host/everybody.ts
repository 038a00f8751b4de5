import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * True if any user of this machine may read the file: its own bits, and those of every directory on the way. What cannot be looked at
 * is not for everybody.
 */
export function isForEverybody(path: string): boolean {
  try {
    const real = realpathSync(path);
    if ((statSync(real).mode & 0o004) === 0) return false;
    for (let dir = dirname(real); ; dir = dirname(dir)) {
      if ((statSync(dir).mode & 0o001) === 0) return false;
      if (dir === '/') return true;
    }
  } catch {
    return false;
  }
}
