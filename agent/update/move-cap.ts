import type { Clock } from '../ports/world.ts';
import { sayDuration } from '../values/units.ts';

/** How often a document may be put in place within {@link WITHIN_MS}. Reason: more is no fleet's wish, but a loop. */
const MOVES_MAX = 20;
const WITHIN_MS = 600_000;

/** Ends loops that nobody has thought of: counts how often each document is put in place. */
export interface MoveCap {
  /** Counts a move; false if there were too many. */
  take(config: string, document: string): boolean;
  readonly withinMs: number;
  /** What is wrong then, in words. */
  readonly words: string;
}

/** Starts with none counted. */
export function createMoveCap(clock: Pick<Clock, 'bootMs'>): MoveCap {
  const moves = new Map<string, readonly number[]>();
  return {
    take(config, document) {
      const key = `${config} ${document}`;
      const nowMs = clock.bootMs();
      const lately = (moves.get(key) ?? []).filter((atMs) => nowMs - atMs < WITHIN_MS);
      if (lately.length >= MOVES_MAX) return false;
      moves.set(key, [...lately, nowMs]);
      return true;
    },
    withinMs: WITHIN_MS,
    words: `put in place ${MOVES_MAX} times within ${sayDuration(WITHIN_MS)}`,
  };
}
