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
  /** From now on looks every second: `onStall` is called once, then no more; `onGood` each time that everything is in its time. */
  start(onStall: (stall: Stall) => void, onGood?: () => void): Cancel;
  /** Hears each time that something comes to its end. */
  onMove(heard: (part: Part) => void): void;
}

/** Time between two looks. */
const LOOK_MS = 1000;

/**
 * Makes the watchdog. Its time is the time it was awake: a look that comes late (the machine slept, somebody stopped the process, the
 * event loop was busy) counts as two ordinary ones at most, for what is under way could not move either.
 */
export function openWatchdog(clock: Clock): Watchdog {
  const underWay = new Set<{ part: Part; what: string; sinceMs: number; dueMs: number }>();
  const listeners: ((part: Part) => void)[] = [];
  const state = { awakeMs: 0, lookedMs: clock.bootMs() };

  const pass = (): number => {
    const nowMs = clock.bootMs();
    state.awakeMs += Math.min(Math.max(0, nowMs - state.lookedMs), 2 * LOOK_MS);
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
        if (!underWay.delete(one)) return;
        for (const heard of listeners) heard(part);
      };
    },
    late,
    start(onStall, onGood = () => {}) {
      let cancel: Cancel = () => {};
      const tick = () => {
        cancel = clock.after(LOOK_MS, () => {
          const stall = late();
          if (stall !== null) return onStall(stall);
          tick();
          onGood();
        });
      };
      pass();
      tick();
      return () => cancel();
    },
    onMove: (heard) => void listeners.push(heard),
  };
}

/** What does not move, in words, and what comes of it. Pure. */
export function sayStall({ part, what, forMs }: Stall): string {
  const who = part === 'locks' ? 'the lock manager' : 'the update line';
  return `${who} does not move: ${what} has been under way for ${sayDuration(forMs)}; the agent ends, to be started anew`;
}
