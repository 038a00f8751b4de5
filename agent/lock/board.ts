import type { LockState } from '../values/lock.ts';
import type { Parts } from './parts.ts';
import type { Reclaim } from './record.ts';
import { type FreeLock, type HotLock, readWord, type StaleLock } from './settle.ts';
import { date, type Shown, sameHold, stateOf } from './shown.ts';

/** What is new about a lock. `token`: it is as COLD as before, but was taken and given back meanwhile. */
export type Change =
  | { readonly what: 'hot' | 'cold' | 'token'; readonly lock: LockState }
  | { readonly what: 'reclaimed' | 'released'; readonly lock: LockState; readonly reclaim: Reclaim };

/** Hears of changes; true if somebody was there to hear. */
export type Tell = (change: Change) => boolean;

/** How one lock was last found, and what is new about it since somebody was told. */
export interface Board {
  /** null before the first look. */
  last(): LockState | null;
  /** Pids that had the lock when it was last looked at. */
  hints(): readonly number[];
  /** Dates what was found, counts on, and notes what is new about it. Writes nothing. */
  note(found: FreeLock | StaleLock | HotLock): LockState;
  /** Takes down another token of a COLD lock. */
  token(token: number): void;
  /** Those reclaims nobody was told of yet. */
  untold(reclaims: readonly Reclaim[]): readonly Reclaim[];
  /** False where board and control surface already say all of it. */
  isNews(found: FreeLock): boolean;
  refused(): void;
  /** Hands out the news; never called while the guard is ours, for who hears them may look again. */
  flush(): void;
}

/** The board of one lock. */
export function openBoard(parts: Parts, tell: Tell): Board {
  const { surface, files, paths, clock, fileName } = parts;
  const state: { shown: Shown | null; hints: readonly number[]; news: Change[]; told: number | null; noted: number } = {
    ...{ shown: null, hints: [], news: [], told: null, noted: 0 },
  };
  /** Token of the last reclaim that was told: in a file, for a restart must not tell it again. */
  const told = (): number => {
    state.told ??= Math.max(0, Number(readWord(files, paths.told) ?? 0) || 0);
    return state.told;
  };

  return {
    last: () => state.shown?.lock ?? null,
    hints: () => state.hints,
    note(found) {
      const plain = stateOf(found, fileName, clock);
      const before = state.shown;
      // A fresh process goes on from what the control surface says.
      const known = before === null ? surface.since(plain) : null;
      const wasHot = before === null ? readWord(files, paths.state) === 'HOT' : before.lock.state === 'HOT';
      const same = before === null ? known !== null : sameHold(before.lock, plain);
      const counted = before === null ? surface.refusals(plain) : before.lock.refusals;
      const refusals = plain.state === 'HOT' && wasHot ? counted : 0;
      const shown = date(found, { ...plain, refusals }, before, known, clock);
      const { lock } = shown;
      for (const reclaim of found.reclaims.filter(({ newToken }) => newToken > Math.max(told(), state.noted))) {
        state.news.push({ what: reclaim.by === null ? 'reclaimed' : 'released', lock, reclaim });
        state.noted = reclaim.newToken;
      }
      if (!same && lock.state === 'HOT') state.news.push({ what: 'hot', lock });
      else if (wasHot && lock.state === 'COLD') state.news.push({ what: 'cold', lock });
      else if (before !== null && before.lock.token !== lock.token) state.news.push({ what: 'token', lock });
      state.shown = shown;
      state.hints = found.kind === 'hot' && found.holder !== null ? [found.holder.pid] : [];
      return lock;
    },
    token(token) {
      if (state.shown === null || state.shown.lock.token === token) return;
      const lock = { ...state.shown.lock, token };
      state.shown = { ...state.shown, lock };
      state.news.push({ what: 'token', lock });
    },
    untold: (reclaims) => reclaims.filter(({ newToken }) => newToken > told()),
    isNews({ token, unprivileged, reclaims }) {
      const before = state.shown?.lock;
      if (before?.state !== 'COLD' || before.token !== token) return true;
      const passedOver = before.unprivileged !== undefined || unprivileged.length > 0;
      return passedOver || reclaims.some(({ newToken }) => newToken > told());
    },
    refused() {
      if (state.shown?.lock.state !== 'HOT') return;
      const lock = { ...state.shown.lock, refusals: state.shown.lock.refusals + 1 };
      state.shown = { ...state.shown, lock };
      surface.show(lock);
    },
    flush() {
      for (const change of state.news.splice(0)) {
        if (!tell(change) || !('reclaim' in change)) continue;
        state.told = change.reclaim.newToken;
        surface.told(state.told);
      }
    },
  };
}
