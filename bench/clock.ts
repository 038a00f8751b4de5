import type { Clock } from '../agent/ports/world.ts';

/** A clock that goes when it is told, for what an hour of flight costs in less. */
export interface BenchClock extends Clock {
  advance(ms: number): void;
}

/** Makes one. */
export function benchClock(): BenchClock {
  let nowMs = 0;
  let timers: { readonly atMs: number; readonly fn: () => void }[] = [];
  return {
    bootId: 'bench',
    wallMs: () => Date.UTC(2026, 0, 1) + nowMs,
    bootMs: () => nowMs,
    turn: () => Promise.resolve(),
    after(ms, fn) {
      const timer = { atMs: nowMs + ms, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    advance(ms) {
      const end = nowMs + ms;
      for (;;) {
        const [next] = timers.filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        timers = timers.filter((one) => one !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.fn();
      }
      nowMs = Math.max(nowMs, end);
    },
  };
}
