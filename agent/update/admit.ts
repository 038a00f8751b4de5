import type { Refusal } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import type { Gate } from '../values/report.ts';
import type { Expectation } from '../values/update.ts';

/** What admission looks at. */
export interface AdmitInput {
  /** Base name of the file people know the config by. */
  readonly file: string;
  readonly onHot: 'wait' | 'refuse';
  readonly lock: LockState;
  /** The words for who has the lock, without parentheses. */
  readonly lockWords: string;
}

/** May the update go on, must it wait, or is it refused? */
export type Admission = { readonly kind: 'admitted' } | Waits | Refusal;

/** It waits; `refusal` is what the fleet is told meanwhile. */
export interface Waits {
  readonly kind: 'waits';
  readonly waitingFor: readonly Gate[];
  readonly refusal: Refusal;
}

/** The refusal over a HOT lock; final only where the config says `on_hot: refuse`. */
export function hotRefusal(input: AdmitInput): Refusal {
  return {
    kind: 'refusal',
    code: 'lock-mismatch',
    mismatch: 'hot',
    reason: `lock mismatch: ${input.file} HOT (${input.lockWords})`,
    final: input.onHot === 'refuse',
  };
}

/** Decides by the lock. Pure. */
export function admit(input: AdmitInput): Admission {
  if (input.lock.state === 'COLD') return { kind: 'admitted' };
  const refusal = hotRefusal(input);
  return refusal.final ? refusal : { kind: 'waits', waitingFor: ['lock'], refusal };
}

/** Compares what the sender believed with what is so; null if it fits. Pure. */
export function checkExpectation(
  file: string,
  expect: Expectation | null | undefined,
  now: { readonly digest: string; readonly token: number },
): Refusal | null {
  if (expect === null || expect === undefined) return null;
  const mismatch = (which: 'token' | 'digest', expected: string | number, found: string | number): Refusal => ({
    kind: 'refusal',
    code: 'lock-mismatch',
    mismatch: which,
    reason: `lock mismatch: ${file} has ${which} ${found}, the update expected ${expected}`,
    final: true,
  });
  if (expect.digest !== undefined && expect.digest !== now.digest) {
    return mismatch('digest', expect.digest, now.digest);
  }
  if (expect.token !== undefined && expect.token !== now.token) return mismatch('token', expect.token, now.token);
  return null;
}
