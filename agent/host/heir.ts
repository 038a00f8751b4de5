import * as fs from 'node:fs';
import { dirname } from 'node:path';
import type { Bequeath } from '../ports/files.ts';

/**
 * Gives what root has just made to whom its directory belongs. Effect: a command of root leaves the agent, which may run without any
 * capability, no file that it cannot read. Only for directories of the agent's own: elsewhere what root makes may be secret.
 */
export const toOwnerOfDirectory: Bequeath = (fd, path) => {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = fs.statSync(dirname(path));
  if (uid !== 0) fs.fchownSync(fd, uid, gid);
};
