import type { Processes, Units } from '../ports/processes.ts';
import type { Clock } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import { sayHolder, sayLock } from '../values/lock-words.ts';
import type { Lock } from './lock.ts';
import { pause } from './parts.ts';

/** How a person wants a lock released. */
export interface ReleaseWish {
  readonly by: string;
  readonly why: string;
  /** Also ends the process an `orphaned` lock was left to. */
  readonly endHolder: boolean;
  /** Last resort for `unseen`. */
  readonly breakIt: boolean;
  /** The token that is meant; undefined: whatever it is. */
  readonly token?: number;
  /** The process that is meant, and no other may be ended; undefined: whoever it is. */
  readonly holder?: { readonly pid: number; readonly start: number | null };
}

/** What a release works with. */
export interface ReleaseScene {
  readonly lock: Lock;
  readonly writers: readonly string[];
  readonly units: Units;
  readonly processes: Processes;
  readonly clock: Clock;
  /** Why the vehicle speaks against it now; null: it is safe, or nothing asks for that. */
  notSafe(): Promise<string | null>;
}

/** What a release did, in words. */
interface Steps {
  readonly steps: readonly string[];
  /** Those of them that ended a process: they belong to the reason, wherever it is told. */
  readonly ended: readonly string[];
}

/** How a release ended. */
export interface Release extends Steps {
  /** `unsafe`: refused because of the vehicle; `denied`: because we may not end the holder. */
  readonly kind: 'released' | 'refused' | 'unsafe' | 'denied' | 'cold';
  readonly lock: LockState;
  /** Why it was refused. */
  readonly why: string | null;
}

/** How long a holder that was asked to end may take, before it is killed, and then to be gone. */
const END_MS = 5000;
const END_PAUSE_MS = 20;
/** Most processes that share one leaked descriptor and are ended for it. */
const HOLDERS_MAX = 8;

/** Why the lock cannot be released like this; null if it can be tried. Pure. */
export function releaseRefusal(
  lock: LockState,
  wish: Pick<ReleaseWish, 'endHolder' | 'breakIt'>,
  nowMs: number,
): string | null {
  if (lock.state === 'COLD' || lock.verdict === 'stale' || lock.lease === true) return null;
  const said = `${lock.file} HOT (${sayLock(lock, nowMs)})`;
  if (lock.verdict === 'orphaned') {
    return wish.endHolder ? null : `${said}: it has to be ended first, with --end-holder`;
  }
  if (lock.verdict === 'unseen')
    return wish.breakIt ? null : `${said}: nobody can be shown to be gone; --break is the last resort`;
  return `${said}: nobody takes a lock from a live holder`;
}

/** Why we cannot end the process that an orphaned lock was left to; null if we may, or it is not wished for. Only asks. */
export function holderDenial(
  processes: Processes,
  lock: LockState,
  { endHolder }: Pick<ReleaseWish, 'endHolder'>,
  nowMs: number,
): string | null {
  if (!endHolder || lock.verdict !== 'orphaned' || lock.holder === null) return null;
  const { pid, start } = lock.holder;
  if (processes.signal(pid, start, 0) !== 'denied') return null;
  const { user } = processes.self();
  return `${lock.file} HOT (${sayLock(lock, nowMs)}): user ${user ?? 'unknown'} may not end that process without CAP_KILL`;
}

/** What a release would do, step by step, in words; `waits`: the update that does. Pure. */
export function planRelease(
  lock: LockState,
  wish: Pick<ReleaseWish, 'endHolder' | 'breakIt'>,
  writers: readonly string[],
  waits: string | null,
): readonly string[] {
  const who = lock.holder === null ? 'its holder' : sayHolder(lock.holder);
  return [
    ...writers.map((unit) => `stop ${unit}, so that it cannot take the lock again`),
    ...(wish.endHolder && lock.verdict === 'orphaned' ? [`end ${who}`] : []),
    ...(wish.breakIt && lock.verdict === 'unseen'
      ? ['put a new lock file in place of the one somebody invisible has locked']
      : []),
    'prove that nobody has the lock, by taking it',
    `clear record and conf_locked, token ${lock.token} -> ${lock.token + 1} or higher`,
    'take the lock and give it back once',
    ...writers.toReversed().map((unit) => `start ${unit}, if it ran before`),
    waits === null ? 'updates that wait are looked at again' : `what waits is looked at again: ${waits}`,
  ];
}

/** {@link Steps} while they are being done. */
interface Doing extends Steps {
  readonly steps: string[];
  readonly ended: string[];
}

/** Carries a release out. Writers that ran are started again however it ends. Throws Failure. */
export async function carryOut(scene: ReleaseScene, wish: ReleaseWish): Promise<Release> {
  const { lock, units, clock } = scene;
  const done: Doing = { steps: [], ended: [] };
  const { lock: before } = await lock.observe();
  if (before.state === 'COLD') return { kind: 'cold', lock: before, ...done, why: null };
  const refusal = releaseRefusal(before, wish, clock.wallMs());
  if (refusal !== null) return { kind: 'refused', lock: before, ...done, why: refusal };
  // Before anything is stopped: a service that was down for nothing is a service that was down.
  const denial = holderDenial(scene.processes, before, wish, clock.wallMs());
  if (denial !== null) return { kind: 'denied', lock: before, ...done, why: denial };
  const danger = await scene.notSafe();
  if (danger !== null) return { kind: 'unsafe', lock: before, ...done, why: danger };
  const stopped: string[] = [];
  const release = await withoutWriters(scene, before, stopped, done, wish).catch(async (error: unknown) => {
    await startAgain(units, stopped, done.steps, before.file);
    throw error;
  });
  await startAgain(units, stopped, done.steps, before.file);
  return release;
}

/** The steps between stopping the writers and starting them again; `stopped` grows with each that is about to be stopped. */
async function withoutWriters(
  scene: ReleaseScene,
  before: LockState,
  stopped: string[],
  done: Doing,
  wish: ReleaseWish,
): Promise<Release> {
  const { lock, units, writers, clock } = scene;
  const unsafe = (why: string): Release => ({ kind: 'unsafe', lock: before, ...done, why });
  for (const unit of writers) {
    if (!(await units.running(unit))) continue;
    // Stopping takes its time: a vehicle that arms meanwhile gets its services back.
    const danger = await scene.notSafe();
    if (danger !== null) return unsafe(danger);
    stopped.push(unit);
    await units.stop(unit);
    done.steps.push(`stopped ${unit}`);
  }
  const danger = await scene.notSafe();
  if (danger !== null) return unsafe(danger);
  const denied = wish.endHolder ? await endHolder(scene, wish, done.ended) : null;
  done.steps.push(...done.ended);
  if (denied !== null) return { kind: 'denied', ...done, ...denied };
  const { by, why: reason, breakIt, token } = wish;
  const order = { by, why: reason, done: done.ended, breakIt, token, from: { holder: before.holder } };
  const after = await lock.clear(order);
  if (after.state === 'HOT') {
    const why = `${after.file} is still HOT (${sayLock(after, clock.wallMs())})`;
    return { kind: 'refused', lock: after, ...done, why };
  }
  done.steps.push(`cleared, token ${after.token}`);
  return takeOnce(scene, done);
}

/** Starts every writer that was stopped, the last one first; one that does not start is no reason to leave the others. */
async function startAgain(units: Units, stopped: readonly string[], steps: string[], file: string): Promise<void> {
  const failures: Failure[] = [];
  for (const unit of stopped.toReversed()) {
    try {
      await units.start(unit);
      steps.push(`started ${unit}`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error);
    }
  }
  const [first] = failures;
  if (first === undefined) return;
  const why = `stopped for the release of ${file}, and not started again: ${failures.map(({ message }) => message).join('; ')}`;
  throw new Failure(first.code, first.op, first.path, why, { retry: false, cause: first });
}

/** Ends the processes an orphaned lock was left to: asks, then kills. `ended` grows with each; what speaks against one of them, or null. */
async function endHolder(
  { processes, clock, lock }: ReleaseScene,
  wish: ReleaseWish,
  ended: string[],
): Promise<Pick<Release, 'lock' | 'why'> | null> {
  const { holder } = wish;
  for (;;) {
    // Only looked at: what is stale by then is cleared in the person's name.
    const { lock: now } = await lock.observe();
    if (now.verdict !== 'orphaned' || now.holder === null || ended.length >= HOLDERS_MAX) return null;
    const { pid, start } = now.holder;
    if (holder !== undefined && !isSame(holder, now.holder)) return null;
    const why = holderDenial(processes, now, wish, clock.wallMs());
    if (why !== null) return { lock: now, why };
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      processes.signal(pid, start, signal);
      for (let waitedMs = 0; waitedMs < END_MS && isThere(processes, pid, start); waitedMs += END_PAUSE_MS) {
        await pause(clock, END_PAUSE_MS);
      }
      if (!isThere(processes, pid, start)) break;
    }
    // One that not even SIGKILL ends hangs in the kernel; whoever asks finds the lock still HOT.
    if (isThere(processes, pid, start)) return null;
    ended.push(`ended ${sayHolder(now.holder)}`);
  }
}

/** True where both name the same process. */
export function isSame(
  a: { readonly pid: number; readonly start: number | null },
  b: { readonly pid: number; readonly start: number | null },
): boolean {
  return a.pid === b.pid && a.start === b.start;
}

function isThere(processes: Processes, pid: number, start: number | null): boolean {
  const now = processes.describe(pid);
  return now !== null && !now.zombie && now.start === start;
}

async function takeOnce({ lock, processes, clock }: ReleaseScene, done: Doing): Promise<Release> {
  const { pid, start, command, user, unit } = processes.self();
  const holder = { pid, start, command, user, unit };
  const wish = { kind: 'kernel', purpose: 'hold', holder, reason: 'release: a clean take', forMs: null } as const;
  const acquired = await lock.acquire(wish);
  if (acquired.kind === 'hot') {
    const why = `${acquired.lock.file} was taken again at once (${sayLock(acquired.lock, clock.wallMs())})`;
    return { kind: 'refused', lock: acquired.lock, ...done, why };
  }
  await acquired.held.release();
  done.steps.push('taken and given back once');
  // An update that waited may be applied right now: that is waited for, and is what the release was for.
  const { lock: after } = await lock.observe();
  return after.state === 'COLD'
    ? { kind: 'released', lock: after, ...done, why: null }
    : { kind: 'refused', lock: after, ...done, why: `${after.file} is HOT again (${sayLock(after, clock.wallMs())})` };
}
