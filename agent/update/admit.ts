import type { VehicleState } from '../ports/vehicle.ts';
import type { Code, Refusal } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import type { ClockTrust, Gate } from '../values/report.ts';
import { rfc3339 } from '../values/units.ts';
import type { Expectation } from '../values/update.ts';
import { sayAgainst } from '../values/vehicle.ts';
import { type Window, windowAt } from '../values/window.ts';

/** What admission looks at. */
export interface AdmitInput {
  /** Base name of the file people know the config by. */
  readonly file: string;
  readonly onHot: 'wait' | 'refuse';
  readonly lock: LockState;
  /** The words for who has the lock, without parentheses. */
  readonly lockWords: string;
  /** The vehicle; null where the change does not ask for a safe one. */
  readonly vehicle: VehicleState | null;
  /** Why a halt holds it; null if none does. */
  readonly halted: string | null;
  /** It may be applied while all of these are open. */
  readonly windows: readonly Window[];
  readonly nowMs: number;
  readonly clock: ClockTrust;
  /** What is not fetched yet; null if all is here. `code` is null while it is on its way. */
  readonly download: { readonly code: Code | null; readonly reason: string } | null;
  /** How it failed on the disk last; null if it did not. */
  readonly disk: { readonly code: Code; readonly reason: string } | null;
}

/** May it go on, must it wait, or is it refused? */
export type Admission = { readonly kind: 'admitted' } | Waits | Refusal;

/** A gate that is shut, and why. */
export interface Unmet {
  readonly gate: Gate;
  /** Null for a window: nothing is wrong with having to wait for one. */
  readonly code: Code | null;
  readonly reason: string;
  /** What must be different for it to be told anew. */
  readonly key: string;
}

/** It waits, for all of these; the first is what people are told first. */
export interface Waits {
  readonly kind: 'waits';
  readonly unmet: readonly [Unmet, ...Unmet[]];
  /** When a window opens or shuts by itself, Unix milliseconds; null: no clock will change it. */
  readonly turnMs: number | null;
}

/** The refusal over a HOT lock; final only where the config says `on_hot: refuse`. */
export function hotRefusal({ file, lockWords, onHot }: Pick<AdmitInput, 'file' | 'lockWords' | 'onHot'>): Refusal {
  return {
    kind: 'refusal',
    code: 'lock-mismatch',
    mismatch: 'hot',
    reason: `lock mismatch: ${file} HOT (${lockWords})`,
    final: onHot === 'refuse',
  };
}

/** A HOT lock as a gate that is shut. */
export function unmetLock(input: Pick<AdmitInput, 'file' | 'lock' | 'lockWords' | 'onHot'>): Unmet {
  const { holder, verdict } = input.lock;
  const who = holder === null ? verdict : `${holder.pid} ${holder.start}`;
  return { gate: 'lock', code: 'lock-mismatch', reason: hotRefusal(input).reason, key: `lock ${who}` };
}

/**
 * Decides by all gates at once. `on_hot: refuse` counts when nothing but the lock is in the way: what could not be applied
 * anyway may meet another lock when it can. Pure.
 */
export function admit(input: AdmitInput): Admission {
  const { lock, vehicle, halted, windows, clock, nowMs, download, disk } = input;
  const unmet: Unmet[] = [];
  if (lock.state === 'HOT') unmet.push(unmetLock(input));
  const against = vehicle === null ? null : sayAgainst(vehicle);
  if (vehicle !== null && against !== null) {
    unmet.push({ gate: 'vehicle', code: 'not-safe', reason: against, key: `vehicle ${vehicle.safety}` });
  }
  if (halted !== null) unmet.push({ gate: 'halt', code: 'halted', reason: halted, key: `halt ${halted}` });
  const states = clock === 'ok' ? windows.map((window) => windowAt(window, nowMs)) : [];
  if (windows.length > 0 && clock === 'untrusted') {
    const reason = 'the clock is not trusted, so no window can be told to be open';
    unmet.push({ gate: 'clock', code: 'clock-untrusted', reason, key: 'clock' });
  }
  const opens = states.flatMap((state) => (state.open ? [] : [state.opensMs]));
  if (opens.length > 0) {
    const next = opens.includes(null) ? null : Math.max(...opens.map((ms) => ms ?? 0));
    const reason = next === null ? 'its window never opens again' : `its window opens at ${rfc3339(next)}`;
    unmet.push({ gate: 'window', code: null, reason, key: 'window' });
  }
  if (download !== null) unmet.push({ gate: 'download', ...download, key: `download ${download.reason}` });
  if (disk !== null) unmet.push({ gate: 'disk', ...disk, key: `disk ${disk.code}` });
  const [first, ...rest] = unmet;
  if (first === undefined) return { kind: 'admitted' };
  if (first.gate === 'lock' && rest.length === 0 && input.onHot === 'refuse') return hotRefusal(input);
  const turns = states.flatMap((state) => (state.open ? [state.untilMs] : (state.opensMs ?? [])));
  return { kind: 'waits', unmet: [first, ...rest], turnMs: turns.length === 0 ? null : Math.min(...turns) };
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
