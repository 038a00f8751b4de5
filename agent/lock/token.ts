import type { Files } from '../ports/files.ts';
import { Failure } from '../values/errors.ts';

/** How many tokens one durable write sets aside. Reason: a grant must not wait for the disk; a reboot wastes at most so many. */
export const TOKEN_BLOCK = 1000;

/**
 * The fencing numbers of one lock. No token above the durable ceiling is ever given, so whatever a reboot clears, the next
 * one is higher than all before it.
 */
export interface Tokens {
  /** The highest token that may ever have been given, when the record cannot say: the ceiling on disk. Throws Failure. */
  last(): number;
  /** True if a token may be given without a write to the disk. Throws Failure. */
  covers(token: number): boolean;
  /** Raises the ceiling so that `token` and a block after it are covered. Under the guard only. Throws Failure. */
  reserve(token: number): Promise<void>;
}

/**
 * The tokens behind the file `path`. Where it cannot be read and no record knows better, {@link Tokens.last} is a Failure: guessing
 * low would let a token fall.
 */
export function openTokens(files: Files, path: string): Tokens {
  // Only ever too low, for others raise the ceiling as well.
  let known = 0;
  const reread = (): number | null => {
    const bytes = files.read('lock.ceiling', path, 64);
    const text = bytes === null ? '0' : new TextDecoder().decode(bytes).trim();
    if (!/^\d{1,15}$/.test(text)) return null;
    known = Math.max(known, Number(text));
    return known;
  };
  return {
    last() {
      const ceiling = reread();
      if (ceiling !== null) return ceiling;
      const message = `${path}: holds no number; write a number into it that is higher than every token ever seen`;
      throw new Failure('io', 'lock.ceiling', path, message, { retry: true });
    },
    covers: (token) => token <= known || token <= (reread() ?? -1),
    async reserve(token) {
      const ceiling = Math.max(token, reread() ?? known) + TOKEN_BLOCK - 1;
      await files.writeDurably('lock.ceiling', path, `${ceiling}\n`, 0o644);
      known = ceiling;
    },
  };
}
