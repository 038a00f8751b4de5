import { openSync, readFileSync, readSync } from 'node:fs';
import type { Clock } from '../ports/world.ts';

/** The clocks of this machine. Source of the boot-time clock: /proc/uptime, which also counts sleep. */
export function hostClock(): Clock {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  // Kept open: it is asked several times an update.
  const uptime = openSync('/proc/uptime', 'r');
  const text = Buffer.alloc(64);
  return {
    bootId,
    wallMs: () => Date.now(),
    bootMs: () => {
      const length = readSync(uptime, text, 0, text.length, 0);
      return Math.round(Number.parseFloat(text.toString('latin1', 0, length)) * 1000);
    },
    after(ms, fn) {
      const timer = setTimeout(fn, Math.min(Math.max(0, ms), 2 ** 31 - 1));
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
