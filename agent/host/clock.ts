import { openSync, readFileSync, readSync } from 'node:fs';
import type { Cancel, Clock } from '../ports/world.ts';

/** How far /proc/uptime counts on at once: asked again within this time, it says the same. */
const UPTIME_STEP_MS = 10;

/** Longest time after its own that something comes that may share a wake. */
const ABOUT_MAX_MS = 5000;
/** The share of its time that it may come later. */
const ABOUT_SHARE = 1 / 6;
/** A timer of Node can be so much early. */
const EARLY_MS = 1;
/** The longest timer Node has. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Something that is to be called. Times on the monotonic clock. */
interface Waiting {
  readonly dueMs: number;
  /** When it comes at the latest. */
  readonly latestMs: number;
  readonly fn: () => void;
}

/**
 * All timers on one of Node's, so that whatever can wait goes with the next that cannot. Reason: a wake of an idle processor costs more
 * than most of what is then done, and Node also wakes for a timer that was cancelled.
 */
function sharedTimers(): Clock['after'] {
  const waiting = new Set<Waiting>();
  const wake: { atMs: number; timer: NodeJS.Timeout | undefined } = {
    atMs: Number.POSITIVE_INFINITY,
    timer: undefined,
  };
  /** While what was due goes on: it will want timers of its own and cancel others, and the next wake is found once. */
  let busy = false;

  const wakeAt = (atMs: number) => {
    clearTimeout(wake.timer);
    const waitMs = Math.max(1, Math.min(Math.ceil(atMs - performance.now()), TIMER_MAX_MS));
    wake.atMs = atMs;
    wake.timer = setTimeout(run, waitMs);
    wake.timer.unref();
  };
  const run = () => {
    wake.atMs = Number.POSITIVE_INFINITY;
    busy = true;
    try {
      const nowMs = performance.now() + EARLY_MS;
      const due = [...waiting].filter(({ dueMs }) => dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs);
      for (const one of due) if (waiting.delete(one)) one.fn();
    } finally {
      busy = false;
      let atMs = Number.POSITIVE_INFINITY;
      for (const { latestMs } of waiting) atMs = Math.min(atMs, latestMs);
      if (waiting.size > 0) wakeAt(atMs);
    }
  };
  return (ms, fn, when): Cancel => {
    const waitMs = Number.isNaN(ms) ? 0 : Math.max(0, ms);
    const dueMs = performance.now() + waitMs;
    const lateMs = when === 'about' ? Math.min(waitMs * ABOUT_SHARE, ABOUT_MAX_MS) : 0;
    const one: Waiting = { dueMs, latestMs: dueMs + lateMs, fn };
    waiting.add(one);
    if (!busy && one.latestMs < wake.atMs) wakeAt(one.latestMs);
    return () => void waiting.delete(one);
  };
}

/** The clocks of this machine. Source of the boot-time clock: /proc/uptime, which also counts sleep. */
export function hostClock(): Clock {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  // Kept open: it is asked several times an update.
  const uptime = openSync('/proc/uptime', 'r');
  const text = Buffer.alloc(64);
  const last = { bootMs: 0, atMs: Number.NEGATIVE_INFINITY };
  return {
    bootId,
    wallMs: () => Date.now(),
    bootMs: () => {
      const nowMs = performance.now();
      if (nowMs - last.atMs < UPTIME_STEP_MS) return last.bootMs;
      const length = readSync(uptime, text, 0, text.length, 0);
      last.atMs = nowMs;
      last.bootMs = Math.round(Number.parseFloat(text.toString('latin1', 0, length)) * 1000);
      return last.bootMs;
    },
    after: sharedTimers(),
    turn: () => new Promise((resolve) => void setImmediate(resolve)),
  };
}
