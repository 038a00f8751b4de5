import { readFileSync } from 'node:fs';
import type { Clock } from '../ports.ts';

/** The clocks of this machine. Source of the boot-time clock: /proc/uptime, which also counts sleep. */
export function hostClock(): Clock {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return {
    bootId,
    wallMs: () => Date.now(),
    bootMs: () => Math.round(Number(readFileSync('/proc/uptime', 'latin1').split(' ', 1)[0]) * 1000),
    after(ms, fn) {
      const timer = setTimeout(fn, Math.min(Math.max(0, ms), 2 ** 31 - 1));
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
