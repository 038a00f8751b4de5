import type { Files } from '../ports/files.ts';
import type { Log } from '../ports/log.ts';
import { Failure } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import { sayHolder } from '../values/lock-words.ts';
import type { LockPaths } from './parts.ts';
import { readWord } from './settle.ts';

/** The control surface of one lock: plain files that say how it was last found. A view, never the truth. */
export interface Surface {
  /** Writes what has changed. Under the guard only. Never throws: a view that cannot be written is said in the log once. */
  show(lock: LockState): void;
  /** True if `conf_locked` asks for a lock that is shown HOT to be released. Throws Failure. */
  asked(): boolean;
  /** Answers a request that cannot be granted: `conf_locked` reads 1 again, and `verdict` says why until the hold changes. Throws Failure. */
  refuse(lock: LockState, why: string): void;
  /** Writes `conf_locked` alone. Throws Failure. */
  bit(value: '0' | '1'): void;
  /** Writes `token` alone. Throws Failure. */
  token(value: number): void;
  /** Remembers up to which token reclaims were told. Never throws: at worst one is told twice. */
  told(token: number): void;
  /** Since when the lock is as it is, if the files already say so of this very state and holder; RFC 3339 UTC. */
  since(lock: LockState): string | null;
  /** Refusals counted so far in this very state. */
  refusals(lock: LockState): number;
}

/** The text of the `holder` file: one line for people, empty if there is none. */
function holderLine(lock: LockState): string {
  if (lock.holder === null) return '';
  const { pid, start } = lock.holder;
  return `${sayHolder(lock.holder)}${pid === 0 || start === null ? '' : `, start ${start}`}`;
}

/** The control surface below `paths`. */
export function openSurface(files: Files, paths: LockPaths, log: Log): Surface {
  const state: {
    complained: boolean;
    refusal: { readonly holder: string; readonly text: string } | null;
    foundEmpty: boolean;
  } = { complained: false, refusal: null, foundEmpty: false };

  // Other Locksmith processes and people write here too, so the file itself is asked what it says.
  const put = (path: string, text: string) => {
    if (readWord(files, path) !== text) files.writeView('lock.view', path, `${text}\n`, 0o644);
  };

  /** Shows that it is HOT, without writing over a request that came in since; one is seen by a single read. */
  const showTaken = (wasHot: boolean) => {
    const word = readWord(files, paths.bit);
    // A shell empties the file before it writes: what is empty for the first time is a request on its way.
    const isOnItsWay = word === '' && !state.foundEmpty;
    state.foundEmpty = word === '';
    if (word === '1' || (wasHot && (word === '0' || isOnItsWay))) return;
    files.writeView('lock.view', paths.bit, '1\n', 0o644);
  };

  const sameAsShown = (lock: LockState) =>
    readWord(files, paths.state) === lock.state && (readWord(files, paths.holder) ?? '') === holderLine(lock);

  return {
    show(lock) {
      try {
        const wasHot = readWord(files, paths.state) === 'HOT';
        put(paths.state, lock.state);
        if (state.refusal?.holder !== holderLine(lock) || lock.state === 'COLD') state.refusal = null;
        put(paths.verdict, state.refusal?.text ?? lock.verdict ?? '');
        put(paths.holder, holderLine(lock));
        put(paths.since, lock.since ?? '');
        put(paths.refusals, String(lock.refusals));
        put(paths.token, String(lock.token));
        if (lock.state === 'HOT') showTaken(wasHot);
        else put(paths.bit, '0');
        state.complained = false;
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        if (!state.complained) log.say('warning', `the files in ${paths.dir} could not be written: ${error.message}`);
        state.complained = true;
      }
    },
    asked: () => readWord(files, paths.bit) === '0' && readWord(files, paths.state) === 'HOT',
    refuse(lock, why) {
      state.refusal = { holder: holderLine(lock), text: `${lock.verdict ?? 'held'}: ${why}` };
      this.bit('1');
      this.show(lock);
    },
    bit: (value) => files.writeView('lock.view', paths.bit, `${value}\n`, 0o644),
    token: (value) => files.writeView('lock.view', paths.token, `${value}\n`, 0o644),
    told(token) {
      try {
        files.writeView('lock.view', paths.told, `${token}\n`, 0o644);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
      }
    },
    since(lock) {
      const text = sameAsShown(lock) ? readWord(files, paths.since) : null;
      return text !== null && Number.isFinite(Date.parse(text)) ? text : null;
    },
    refusals(lock) {
      const count = sameAsShown(lock) ? Number(readWord(files, paths.refusals)) : 0;
      return Number.isSafeInteger(count) && count >= 0 ? count : 0;
    },
  };
}
