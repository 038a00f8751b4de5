import type { Files } from '../ports/files.ts';
import type { Inode } from '../ports/kernel.ts';
import type { Fenced } from '../ports/lock.ts';
import type { ProcessInfo } from '../ports/processes.ts';
import type { Clock } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import type { Holder } from '../values/lock.ts';
import { rfc3339 } from '../values/units.ts';
import type { Guard } from './guard.ts';
import type { Hands } from './hands.ts';
import type { LockPaths } from './parts.ts';
import { type HeldRecord, type Reclaim, recordText } from './record.ts';
import { readRecord } from './settle.ts';
import type { Surface } from './surface.ts';

/** What somebody wants the lock for. */
export interface Wish {
  readonly kind: 'kernel' | 'lease';
  readonly purpose: 'commit' | 'hold';
  readonly holder: Holder;
  readonly reason: string | null;
  /** How long it is wanted; null: no end. */
  readonly forMs: number | null;
}

/** What a grant works with. */
export interface GrantScene {
  readonly paths: LockPaths;
  readonly guard: Guard;
  readonly hands: Hands;
  readonly files: Files;
  readonly surface: Surface;
  readonly clock: Clock;
}

/** The record of a lock that is being given. */
export function heldRecord(
  wish: Wish,
  given: { readonly token: number; readonly sidecar: Inode; readonly reclaims: readonly Reclaim[] },
  self: ProcessInfo,
  clock: Clock,
): HeldRecord {
  const sinceBootMs = clock.bootMs();
  return {
    ...{ mode: 'held', kind: wish.kind, purpose: wish.purpose, token: given.token, holder: wish.holder },
    ...{ boot: clock.bootId, pidNamespace: self.pidNamespace, timeNamespace: self.timeNamespace },
    sidecar: { dev: given.sidecar.dev, ino: given.sidecar.ino },
    ...{ since: rfc3339(clock.wallMs()), sinceBootMs, reason: wish.reason },
    deadlineBootMs: wish.forMs === null ? null : sinceBootMs + wish.forMs,
    reclaims: given.reclaims,
  };
}

/** True while the record says the lock is held under `token`: nobody has broken it. Throws Failure. */
function stillOnRecord({ files, paths }: GrantScene, token: number): boolean {
  const record = readRecord(files, paths.record);
  return record !== null && record !== 'unreadable' && record.mode === 'held' && record.token === token;
}

/** True while record and sidecar say the lock is held under `token`. Throws Failure. */
export function stillHeld(scene: GrantScene, token: number): boolean {
  return stillOnRecord(scene, token) && scene.hands.intact();
}

/** Runs `step` under the guard if the lock is still held under `token`; see the port's `Grant.fenced`. Throws what `step` throws. */
export async function runFenced<T>(scene: GrantScene, token: number, step: () => T): Promise<Fenced<T>> {
  if (!(scene.guard.tryEnter() || (await scene.guard.enter()))) {
    return { kind: 'lost', why: `${scene.paths.guard} is kept by another process` };
  }
  try {
    if (!stillHeld(scene, token))
      return { kind: 'lost', why: `the lock was taken away: token ${token} no longer holds` };
    return { kind: 'done', value: step() };
  } finally {
    scene.guard.leave();
  }
}

/**
 * Gives a lock back: record, then bit, and the kernel locks last. Where the record cannot be written, or is no longer ours, the
 * kernel locks are dropped all the same, and the next settle finds out the rest. Returns null, or why the record was left as it is.
 */
export async function giveBack(scene: GrantScene, record: HeldRecord): Promise<string | null> {
  const { guard, hands, files, paths, surface } = scene;
  const entered = guard.tryEnter() || (await guard.enter());
  try {
    if (!entered) return `${paths.guard} is kept by another process`;
    // Also where a stranger has moved the sidecar: who lives on without the lock must not stand on record as its holder.
    if (!stillOnRecord(scene, record.token)) return 'the lock was taken away meanwhile';
    const { token, boot, reclaims } = record;
    files.writeView('lock.record', paths.record, recordText({ mode: 'free', token, boot, reclaims }), 0o644);
    surface.bit('0');
    surface.token(token);
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  } finally {
    hands.drop();
    if (entered) guard.leave();
  }
}
