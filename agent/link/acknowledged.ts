import type { Clock } from '../ports/world.ts';

/** Numbers are noted no closer together than this: finer is of no use to anybody. */
const STEP_MS = 500;
/** Notes kept: at {@link STEP_MS} more than half a minute. */
const NOTES_MAX = 80;

/** What the broker had when, for who wants to know whether somebody behind the broker should have seen it by now. */
export interface Acknowledged {
  /** Everything up to `seq` is acknowledged as of now; 0 says nothing. */
  note(seq: number): void;
  /** The highest number that was noted at least `agoMs` ago; 0 if there is none, or none that far back is remembered. */
  ago(agoMs: number): number;
}

/** Starts with nothing noted. Rather tells of less than of more: what came between two notes is left out. */
export function openAcknowledged(clock: Clock): Acknowledged {
  const notes: { readonly atMs: number; readonly seq: number }[] = [];
  let highest = { atMs: 0, seq: 0 };
  return {
    note(seq) {
      const atMs = clock.bootMs();
      if (seq <= highest.seq) return;
      highest = { atMs, seq };
      const last = notes.at(-1);
      if (last !== undefined && atMs - last.atMs < STEP_MS) return;
      notes.push(highest);
      if (notes.length > NOTES_MAX) notes.shift();
    },
    ago(agoMs) {
      const untilMs = clock.bootMs() - agoMs;
      if (highest.atMs <= untilMs) return highest.seq;
      return notes.findLast(({ atMs }) => atMs <= untilMs)?.seq ?? 0;
    },
  };
}
