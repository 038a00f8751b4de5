import { openSync, readFileSync, readSync } from 'node:fs';
import type { Cancel, Clock } from '../ports/world.ts';

/** So long the boot-time clock is reckoned on from when it was read. */
const RECKON_MAX_MS = 60_000;
/** Wall and monotonic clock have come apart by more than this: the machine has slept, or somebody has set the wall clock. */
const APART_MS = 2;

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
      const due: Waiting[] = [];
      for (const one of waiting) if (one.dueMs <= nowMs) due.push(one);
      due.sort((a, b) => a.dueMs - b.dueMs);
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

/**
 * The clocks of this machine. Source of the boot-time clock: /proc/uptime, which also counts sleep; it is reckoned on from there as long as
 * wall and monotonic clock agree that there was none, for reading costs more than all else that a heartbeat asks.
 */
export function hostClock(): Clock {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  // Kept open: opening costs more than reading.
  const uptime = openSync('/proc/uptime', 'r');
  const text = Buffer.alloc(64);
  /** As it was read, with what the other clocks said then. */
  const read = { bootMs: 0, atMs: Number.NEGATIVE_INFINITY, wallMs: 0 };
  let lastMs = 0;
  const readUptime = () => {
    const length = readSync(uptime, text, 0, text.length, 0);
    read.bootMs = Number.parseFloat(text.toString('latin1', 0, length)) * 1000;
    read.atMs = performance.now();
    read.wallMs = Date.now();
  };
  return {
    bootId,
    wallMs: () => Date.now(),
    bootMs: () => {
      const passedMs = performance.now() - read.atMs;
      const agree = Math.abs(Date.now() - read.wallMs - passedMs) < APART_MS;
      if (!agree || passedMs >= RECKON_MAX_MS) readUptime();
      // It goes in steps of 10 ms: what was reckoned may be one ahead of what is read.
      lastMs = Math.max(lastMs, Math.floor(read.bootMs + performance.now() - read.atMs));
      return lastMs;
    },
    after: sharedTimers(),
    turn: () => new Promise((resolve) => void setImmediate(resolve)),
  };
}
