import { LANES, type Lane, type LaneCounts, NO_LANES } from '../values/lanes.ts';
import type { Kept } from './lane-memory.ts';

/** How much of heartbeats, positions and tracks may wait. */
export interface LaneBounds {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** What goes so that the rest fits. */
export interface LaneSacrifice {
  /** Numbers that will never be sent, growing. */
  readonly drop: readonly number[];
  readonly lost: LaneCounts;
  /** Messages that say less from now on: number → payload. */
  readonly coarser: ReadonlyMap<number, string>;
}

/** After a sacrifice this part of the bound is free again, so that not every further message costs another. */
const FREED_PART = 0.1;
/** How often a track may be made coarser before it goes altogether. */
const COARSER_TIMES = 2;

/**
 * Chooses what to give up, no further than needed: what is too old; then detail of tracks, the oldest first; then the oldest tracks;
 * then the oldest positions; then the oldest heartbeats. `kept` in the order of the numbers, without what is under way (`underBytes`).
 * `coarser` makes the payload of a track say less, or null if it cannot. Pure.
 */
export function sacrificeLanes(
  kept: readonly Kept[],
  underBytes: number,
  nowMs: number,
  bounds: LaneBounds,
  coarser: (text: string) => string | null,
): LaneSacrifice {
  const dropped = new Set<number>();
  const texts = new Map<number, string>();
  const lost: Record<Lane, number> = { ...NO_LANES };
  const textOf = ({ n, text }: Kept) => texts.get(n) ?? text;
  let bytes = kept.reduce((sum, { text }) => sum + text.length, underBytes);
  const drop = (one: Kept) => {
    dropped.add(one.n);
    bytes -= textOf(one).length;
    texts.delete(one.n);
    lost[one.lane] += 1;
  };
  for (const one of kept) if (nowMs - one.bootMs > bounds.maxAgeMs) drop(one);

  const fits = (goal: number) => bytes <= goal;
  if (!fits(bounds.maxBytes)) {
    const goal = bounds.maxBytes * (1 - FREED_PART);
    for (let time = 0; time < COARSER_TIMES && !fits(goal); time += 1) {
      for (const one of kept) {
        if (fits(goal)) break;
        if (one.lane !== 'track' || dropped.has(one.n)) continue;
        const before = textOf(one);
        const less = coarser(before);
        if (less === null || less.length >= before.length) continue;
        bytes += less.length - before.length;
        texts.set(one.n, less);
      }
    }
    for (const lane of LANES) {
      for (const one of kept) {
        if (fits(goal)) break;
        if (one.lane === lane && !dropped.has(one.n)) drop(one);
      }
    }
  }
  return { drop: [...dropped].sort((a, b) => a - b), lost, coarser: texts };
}
