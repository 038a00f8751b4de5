import type { Op } from '../values/ops.ts';
import type { Cancel } from './world.ts';

/** How a hook ended. */
export interface HookEnd {
  /**
   * `bad`: it ran and said no, or took too long. `not-started`: it could not be asked, so nothing is known. `stopped`: it was ended
   * because the agent leaves, or whoever asked wants no answer any more, and is not to blame.
   */
  readonly kind: 'good' | 'bad' | 'not-started' | 'stopped';
  /** In plain words, with the end of what it said: `ended with 1: unknown key 'rate'`. */
  readonly words: string;
}

/** Programs and probes of others that are asked whether a config is fine. Nothing here throws but for our own bugs. */
export interface Hooks {
  /**
   * Runs a program without a shell, in a process group of its own that is ended with the time, with a minimal environment and no
   * capabilities. `cut` is called when it runs, with what ends it before its time; what it gives back is called once it has ended.
   */
  run(op: Op, argv: readonly string[], withinMs: number, cut?: (end: () => void) => Cancel): Promise<HookEnd>;
  /** Good if a GET of the URL is answered with 200 to 299. */
  http(op: Op, url: string, withinMs: number): Promise<HookEnd>;
  /** Good if somebody accepts a connection at `host:port`. */
  tcp(op: Op, address: string, withinMs: number): Promise<HookEnd>;
  /** Ends what runs, and starts no more. */
  stop(): void;
}
