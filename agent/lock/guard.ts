import type { KernelLocks, LockFd } from '../ports/kernel.ts';
import type { Clock } from '../ports/world.ts';

/** How long a guard that somebody else has is tried. Reason: nobody keeps it longer than a few file operations take. */
export const GUARD_PATIENCE_MS = 500;
/** Pause between two tries. */
const GUARD_PAUSE_MS = 5;
/** How often a guard file replaced under our hands is opened anew before we give up. */
const REOPEN_MAX = 5;

/**
 * The turnstile before a lock: every Locksmith process passes it before it probes, takes, drops or breaks the lock, so that no probe
 * is mistaken for a holder. Kept only for short steps. Methods throw Failure where the file cannot be opened.
 */
export interface Guard {
  /** Goes in if nobody is; also false while another task of this process is in. */
  tryEnter(): boolean;
  /** Goes in, waiting up to {@link GUARD_PATIENCE_MS}; false if somebody stays in. */
  enter(): Promise<boolean>;
  leave(): void;
  /** The open guard file, to name who stays in; null before the first try. */
  file(): LockFd | null;
  close(): void;
}

/** The guard at `path`, created 0660 for `group` if it is missing; `prepare` makes its directory before it is opened. */
export function openGuard(
  kernel: KernelLocks,
  clock: Clock,
  path: string,
  group: string | undefined,
  prepare: () => void,
): Guard {
  const state: { file: LockFd | null; inside: boolean } = { file: null, inside: false };

  const close = () => {
    if (state.file !== null) kernel.close('lock.guard', state.file);
    state.file = null;
  };

  const tryEnter = (): boolean => {
    if (state.inside) return false;
    for (let round = 0; round < REOPEN_MAX; round += 1) {
      if (state.file === null) prepare();
      state.file ??= kernel.open('lock.guard', path, { create: 0o660, group });
      if (!kernel.tryFlock('lock.guard', state.file)) return false;
      const now = kernel.inode('lock.guard', path);
      if (now !== null && now.dev === state.file.dev && now.ino === state.file.ino) {
        state.inside = true;
        return true;
      }
      close();
    }
    return false;
  };

  return {
    tryEnter,
    async enter() {
      for (let waitedMs = 0; ; waitedMs += GUARD_PAUSE_MS) {
        if (tryEnter()) return true;
        if (waitedMs >= GUARD_PATIENCE_MS) return false;
        await new Promise<void>((resolve) => void clock.after(GUARD_PAUSE_MS, resolve));
      }
    },
    leave() {
      if (!state.inside) return;
      state.inside = false;
      if (state.file !== null) kernel.drop('lock.guard', state.file);
    },
    file: () => state.file,
    close,
  };
}
