import type { LockState } from '../values/lock.ts';
import type { Cancel } from './world.ts';

/** What the update line gets from the lock room. */
export interface LockDoor {
  /** Settles the lock and says how it is now. Grants nothing, and takes no kernel lock while nothing speaks against COLD. */
  look(config: string): LockState;
  /**
   * Settles the lock by reaching for its kernel locks, held for microseconds: what admission asks before an override. Cheaper than
   * {@link LockDoor.look}, whose /proc/locks makes the kernel wait for all its cores (about 10 ms).
   */
  reach(config: string): LockState;
  /**
   * Runs `section` with the lock of the config held (sidecar, then the inodes of all its existing files), or says who has it.
   * The lock is dropped when `section` ends, however it ends. Sections of one config never overlap. Throws Failure where record or
   * token cannot be written; the lock is free then.
   */
  hold<T>(config: string, section: (grant: Grant) => Promise<T>): Promise<Held<T>>;
  /** Counts a refusal because this config is HOT, for {@link LockState.refusals}; tells no listener. */
  refused(config: string): void;
  /** From now on the lock is tried every second until it is COLD (then listeners are told) or the caller cancels. */
  expectCold(config: string): Cancel;
}

/** The outcome of {@link LockDoor.hold}. */
export type Held<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'hot'; readonly lock: LockState };

/** The outcome of {@link Grant.fenced}. `lost`: the lock was broken (or cannot be shown to be ours), nothing was run. */
export type Fenced<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'lost'; readonly why: string };

/** The lock while it is ours. */
export interface Grant {
  readonly token: number;
  /** The token found before this grant: what `expect.token` is compared with. */
  readonly tokenBefore: number;
  /** True while record and sidecar still say the lock is ours. For a look only: what replaces a file goes through {@link Grant.fenced}. */
  mine(): boolean;
  /** Locks a staged file before it is renamed in, so that a newcomer meets a lock; held as long as the grant. */
  cover(path: string): void;
  /**
   * Runs `replace` (the renames, nothing that waits) under the guard, after checking under the guard that the lock is still ours:
   * whoever breaks a lock takes the guard too, so nobody can break it between check and rename.
   */
  fenced<T>(replace: () => T): Promise<Fenced<T>>;
}
