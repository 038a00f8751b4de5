import { readFileSync, realpathSync, statfsSync } from 'node:fs';
import { failureOf } from '../values/errno.ts';

/** Where a path lies: the file system below it. */
export interface Mount {
  /** Where it is mounted. */
  readonly at: string;
  /** `ext4`, `vfat`, `tmpfs`, … */
  readonly type: string;
  readonly readOnly: boolean;
  /** Bytes that a program without root may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Files that can still be made; null where the file system does not count them. */
  readonly freeFiles: number | null;
}

/** Spaces and the like are written `\040` there. Source: proc(5). */
const unescaped = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** The file system a path lies on. Throws Failure (missing-directory, no-permission, io). */
export function mountOf(path: string): Mount {
  try {
    const real = realpathSync(path);
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [before = '', after = ''] = line.split(' - ');
        const [, , , , at = '', options = ''] = before.split(' ');
        const [type = '', , superOptions = ''] = after.split(' ');
        const isReadOnly = [options, superOptions].some((each) => each.split(',').includes('ro'));
        return { at: unescaped(at), type, readOnly: isReadOnly };
      });
    // The last one mounted over a place is the one that counts.
    const holds = ({ at }: { at: string }) => real === at || real.startsWith(at === '/' ? '/' : `${at}/`);
    const [first, ...rest] = mounts.filter(holds);
    if (first === undefined) throw new Error(`${path} is on no mount`);
    const mount = rest.reduce((a, b) => (b.at.length >= a.at.length ? b : a), first);
    const { bavail, blocks, bsize, files, ffree } = statfsSync(real);
    const space = { freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeFiles: files === 0 ? null : ffree };
    return { ...mount, ...space };
  } catch (error) {
    throw failureOf('disk.look', path, error);
  }
}
