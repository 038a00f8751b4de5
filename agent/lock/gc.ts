import type { Files } from '../ports/files.ts';
import { Failure } from '../values/errors.ts';
import type { LockRoom } from './room.ts';

/** What a collection of garbage found and did. */
export interface Garbage {
  readonly locks: number;
  readonly hot: number;
  readonly reclaimed: number;
  /** Locks that could not be settled; the log says why. */
  readonly failed: number;
  /** Temporary files of writers that are gone. */
  readonly leftovers: number;
}

/** Temporary files as the agent's own writers call them. */
const TEMP = /\.tmp$/;

/**
 * Settles every lock and removes what writers that are gone left in the agent's own directories. What is reclaimed is an event of its
 * own; a directory that cannot be read counts as clean, for whoever needs it will say so. Throws nothing but our own bugs.
 */
export async function collectGarbage(
  room: Pick<LockRoom, 'settleAll' | 'onChange'>,
  files: Pick<Files, 'list' | 'removeTemps'>,
  dirs: readonly string[],
): Promise<Garbage> {
  const count = { reclaimed: 0 };
  const unhear = room.onChange((_config, { what }) => {
    if (what === 'reclaimed') count.reclaimed += 1;
  });
  try {
    const settled = await room.settleAll();
    return { ...settled, reclaimed: count.reclaimed, leftovers: removeLeftovers(files, dirs) };
  } finally {
    unhear();
  }
}

function removeLeftovers(files: Pick<Files, 'list' | 'removeTemps'>, dirs: readonly string[]): number {
  let removed = 0;
  for (const dir of dirs) {
    try {
      const before = files.list('leftovers.remove', dir).filter((name) => TEMP.test(name));
      if (before.length === 0) continue;
      files.removeTemps('leftovers.remove', dir);
      const after = new Set(files.list('leftovers.remove', dir));
      removed += before.filter((name) => !after.has(name)).length;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  }
  return removed;
}

/** True if there is something to tell a person of. Pure. */
export function isWorthSaying({ reclaimed, failed, leftovers }: Garbage): boolean {
  return reclaimed + failed + leftovers > 0;
}

/** What was found, in words. Pure. */
export function sayGarbage({ locks, hot, reclaimed, failed, leftovers }: Garbage): string {
  const parts = [
    `${locks} ${locks === 1 ? 'lock' : 'locks'} settled`,
    `${hot} HOT`,
    `${reclaimed} reclaimed`,
    ...(failed === 0 ? [] : [`${failed} not settled`]),
    `${leftovers} ${leftovers === 1 ? 'leftover' : 'leftovers'} removed`,
  ];
  return `garbage collected: ${parts.join(', ')}`;
}
