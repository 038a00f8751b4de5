import type { Clock } from '../ports/world.ts';
import { sayDuration } from '../values/units.ts';

/** How often a document may be put in place within {@link WITHIN_MS}. Reason: more is no fleet's wish, but a loop. */
const MOVES_MAX = 20;
const WITHIN_MS = 600_000;
/** Documents that are remembered, the last ones moved. Reason: a loop goes round few; each newer one would take memory for ever. */
const DOCUMENTS_MAX = 256;

/** A document; null: what was there before Locksmith. */
type Moved = { readonly hash: string } | null;

/**
 * Ends loops that nobody has thought of: counts how often each document is put in place, in this life of the agent. What could not be
 * put in place, for a disk that is full or a lock that was taken at the last moment, is no move.
 */
export interface MoveCap {
  /** True if it was put in place so often lately that it is not done once more. */
  isReached(config: string, held: Moved): boolean;
  /** Counts that it was put in place. */
  count(config: string, held: Moved): void;
  readonly withinMs: number;
  /** How many documents are remembered. */
  size(): number;
  /** What is wrong then, in words. */
  readonly words: string;
}

/** Starts with none counted. */
export function createMoveCap(clock: Pick<Clock, 'bootMs'>): MoveCap {
  const moves = new Map<string, readonly number[]>();
  const keyOf = (config: string, held: Moved) => `${config} ${held?.hash ?? 'original'}`;
  const lately = (key: string) => (moves.get(key) ?? []).filter((atMs) => clock.bootMs() - atMs < WITHIN_MS);
  return {
    isReached: (config, held) => lately(keyOf(config, held)).length >= MOVES_MAX,
    count(config, held) {
      const key = keyOf(config, held);
      const times = [...lately(key), clock.bootMs()];
      // Anew, so that the map goes from the one moved longest ago to the last.
      moves.delete(key);
      moves.set(key, times);
      const [oldest] = moves.keys();
      if (moves.size > DOCUMENTS_MAX && oldest !== undefined) moves.delete(oldest);
    },
    withinMs: WITHIN_MS,
    size: () => moves.size,
    words: `put in place ${MOVES_MAX} times within ${sayDuration(WITHIN_MS)}`,
  };
}
