import type { FileStat, Files } from '../ports/files.ts';
import type { Clock } from '../ports/world.ts';
import type { Op } from '../values/ops.ts';

/**
 * A file whose last change is so much past can be told from what it becomes next. Reason: the kernel dates changes by a clock of coarse
 * steps, 10 ms at most, and two within a step look like one.
 */
const SETTLED_MS = 1000;

function isSame(a: FileStat, b: FileStat): boolean {
  return (
    a.ino === b.ino &&
    a.changedMs === b.changedMs &&
    a.modifiedMs === b.modifiedMs &&
    a.bytes === b.bytes &&
    a.dev === b.dev
  );
}

/**
 * What `read` gives of a file or of what stands in a directory (not of what is written into files there), asked anew only where it is not
 * the same as before: one system call instead of many. Throws as they do.
 */
export function openGlance<T>(
  { files, clock }: { readonly files: Pick<Files, 'stat'>; readonly clock: Pick<Clock, 'wallMs'> },
  op: Op,
  path: string,
  read: () => T,
): () => T {
  let known: { readonly stat: FileStat; readonly value: T } | null = null;
  return () => {
    const stat = files.stat(op, path);
    if (known !== null && stat !== null && isSame(stat, known.stat)) return known.value;
    // It was like this before it was read: whatever changes from here on gives it another time.
    const value = read();
    // A link stays as it is whatever becomes of what it leads to.
    const tells = stat !== null && (stat.kind === 'file' || stat.kind === 'directory');
    known = tells && clock.wallMs() - stat.changedMs > SETTLED_MS ? { stat, value } : null;
    return value;
  };
}
