import { openSync, readFileSync, readSync } from 'node:fs';
import type { Clock } from '../ports/world.ts';

/** How far /proc/uptime counts on at once: asked again within this time, it says the same. */
const UPTIME_STEP_MS = 10;

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
    after(ms, fn) {
      const timer = setTimeout(fn, Math.min(Math.max(0, ms), 2 ** 31 - 1));
      timer.unref();
      return () => clearTimeout(timer);
    },
    turn: () => new Promise((resolve) => void setImmediate(resolve)),
  };
}
