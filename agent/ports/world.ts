import type { Op } from '../values/ops.ts';

/** Called before every single system call of an effect; a test may stop the process there. Costs nothing when absent. */
export type Trace = (op: Op, step: string) => void;

/** Stops what a timer or a listener would do; calling it twice is harmless. */
export type Cancel = () => void;

/** Time. The wall clock may jump; the boot-time clock counts from boot, also in sleep, and never jumps. */
export interface Clock {
  wallMs(): number;
  /** Milliseconds since boot (CLOCK_BOOTTIME, as /proc/uptime). */
  bootMs(): number;
  /** /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
  /**
   * Calls `fn` once after `ms` on the monotonic clock. Does not keep the process alive. `about`: up to a sixth of that time later, 5 s at
   * most, so that it goes with something else that wakes the processor.
   */
  after(ms: number, fn: () => void, when?: 'about'): Cancel;
  /** Resolves after one turn of the event loop: what is ready to go out has gone to the kernel by then. */
  turn(): Promise<void>;
}

/** Calls again and again, every so many milliseconds, until cleared. */
export interface Intervals {
  set(fn: () => void, ms: number): number;
  clear(id: number): void;
}

/**
 * Runs something at every match of a cron expression, from when it has been loaded until it is cancelled. A wall clock that jumps
 * costs one run. The expression has been checked.
 */
export type Cron = (expression: string, run: () => void) => Cancel;

/**
 * Tells whoever watches over the agent that something is under way and within how many milliseconds it has to be over; calling what
 * comes back tells that it is, once or more often.
 */
export type Begin = (what: string, withinMs: number) => () => void;

/** Chance and digests, passed in so that a test can repeat a run. */
export interface Chance {
  /** Uniform in [0, 1). */
  unit(): number;
  uuid(): string;
  /** Lower-case hex of `n` random bytes. */
  hex(n: number): string;
}

/**
 * Is this an Ed25519 signature (64 bytes) of `data` by the key whose public half is `x` (32 bytes in base64url)? False also for an `x`
 * that is no key.
 */
export type Ed25519 = (x: string, data: Uint8Array, signature: Uint8Array) => boolean;

/** SHA-256 of `bytes` as 64 lower-case hex digits, without prefix. */
export type Sha256 = (bytes: Uint8Array | string) => string;
