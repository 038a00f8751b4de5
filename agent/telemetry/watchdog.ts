import type { Cancel, Clock } from '../ports/world.ts';
import { sayDuration } from '../values/units.ts';

/** Parts of the agent that have to move. */
export type Part = 'locks' | 'line';

/** Something that was to be over by now and is not. */
export interface Stall {
  readonly part: Part;
  readonly what: string;
  /** How long it has been under way; time in which the whole process stood still (or slept) does not count. */
  readonly forMs: number;
}

/** Watches over what is under way. */
export interface Watchdog {
  /** Tells that something is under way and has to be over within this time; see the port `Begin`. */
  begin(part: Part, what: string, withinMs: number): () => void;
  /** What is late now; null while everything is in its time. */
  late(): Stall | null;
  /**
   * From now on looks whenever the locks have moved, and by itself where they do not: `onStall` is called once, then no more; `onGood`
   * each time that everything is in its time.
   */
  start(onStall: (stall: Stall) => void, onGood?: () => void): Cancel;
}

/** Longest time between two looks. Reason: the locks move every 5 s; a timer that went off in between would wake the processor for nothing. */
const LOOK_MS = 6000;
/** As many looks come while a supervisor waits for one sign of life, so that a late one does no harm. */
const LOOKS_WITHIN = 3;
/** A look that is later than this was kept from its time. */
const LATE_MS = 1000;

/** How often to look where somebody wants to hear within so many milliseconds that all is well; null: nobody does. Pure. */
export function lookEveryMs(withinMs: number | null): number {
  return withinMs === null ? LOOK_MS : Math.min(LOOK_MS, Math.max(1, Math.floor(withinMs / LOOKS_WITHIN)));
}

/**
 * Makes the watchdog. Its time is the time it was awake: a look that comes late (the machine slept, somebody stopped the process, the
 * event loop was busy) counts as a second more than an ordinary one at most, for what is under way could not move either.
 */
export function openWatchdog(clock: Clock, everyMs = LOOK_MS): Watchdog {
  const underWay = new Set<{ part: Part; what: string; sinceMs: number; dueMs: number }>();
  let locksMoved = () => {};
  const state = { awakeMs: 0, lookedMs: clock.bootMs() };

  const pass = (): number => {
    const nowMs = clock.bootMs();
    state.awakeMs += Math.min(Math.max(0, nowMs - state.lookedMs), everyMs + LATE_MS);
    state.lookedMs = nowMs;
    return state.awakeMs;
  };
  const late = (): Stall | null => {
    const nowMs = pass();
    for (const { part, what, sinceMs, dueMs } of underWay) {
      if (nowMs >= dueMs) return { part, what, forMs: nowMs - sinceMs };
    }
    return null;
  };
  return {
    begin(part, what, withinMs) {
      const sinceMs = pass();
      const one = { part, what, sinceMs, dueMs: sinceMs + withinMs };
      underWay.add(one);
      return () => {
        if (underWay.delete(one) && part === 'locks') locksMoved();
      };
    },
    late,
    start(onStall, onGood = () => {}) {
      const next: { cancel: Cancel; over: boolean } = { cancel: () => {}, over: false };
      const look = () => {
        if (next.over) return;
        next.cancel();
        const stall = late();
        next.over = stall !== null;
        if (stall !== null) return onStall(stall);
        next.cancel = clock.after(everyMs, look);
        onGood();
      };
      pass();
      next.cancel = clock.after(everyMs, look);
      locksMoved = look;
      return () => {
        next.over = true;
        next.cancel();
      };
    },
  };
}

/** What does not move, in words, and what comes of it. Pure. */
export function sayStall({ part, what, forMs }: Stall): string {
  const who = part === 'locks' ? 'the lock manager' : 'the update line';
  return `${who} does not move: ${what} has been under way for ${sayDuration(forMs)}; the agent ends, to be started anew`;
}
