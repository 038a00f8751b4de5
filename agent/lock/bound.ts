import { type Refusal, refuse } from '../values/errors.ts';
import { sayHolder } from '../values/lock-words.ts';
import { carryOut, isSame, type ReleaseScene } from './release.ts';

/** A release asked for from far away: bound to what its sender saw. */
export interface BoundWish {
  readonly token: number;
  /** null: whoever it is. */
  readonly holder: { readonly pid: number; readonly start: number | null; readonly boot?: string } | null;
  /** Also ends that holder, if the lock is `orphaned`. */
  readonly endHolder: boolean;
  readonly reason: string;
  readonly who: string;
}

/** A bound release that was carried out; `changed: false`: the lock was COLD already. */
export interface BoundRelease {
  readonly kind: 'released';
  readonly oldToken: number;
  readonly newToken: number;
  readonly changed: boolean;
  /** Processes that were ended for it, in words. */
  readonly ended: readonly string[];
}

/**
 * Releases a lock if it still is what the sender saw: `lock-mismatch` with `mismatch: token` if its token has moved on, `hot` if
 * somebody else has it, or the sender saw it before a reboot, or if it cannot be released; `end-not-allowed` if the agent may not end that
 * holder; `not-safe` because of the vehicle. A lock is never broken from far away. Throws Failure.
 */
export async function releaseBound(scene: ReleaseScene, wish: BoundWish): Promise<BoundRelease | Refusal> {
  const { token, holder, endHolder, reason, who } = wish;
  const { lock } = await scene.lock.observe();
  if (lock.token !== token) {
    const why = `lock mismatch: ${lock.file} has token ${lock.token}, the command was signed for ${token}`;
    return { ...refuse('lock-mismatch', why), mismatch: 'token' };
  }
  if (lock.state === 'HOT' && holder?.boot !== undefined && holder.boot !== scene.clock.bootId) {
    const why = `lock mismatch: ${lock.file} HOT (the command was signed for pid ${holder.pid} of another boot)`;
    return { ...refuse('lock-mismatch', why), mismatch: 'hot' };
  }
  if (lock.state === 'HOT' && holder !== null && (lock.holder === null || !isSame(holder, lock.holder))) {
    const now = lock.holder === null ? 'nobody that can be seen' : sayHolder(lock.holder);
    const why = `lock mismatch: ${lock.file} HOT (held by ${now}, the command was signed for pid ${holder.pid})`;
    return { ...refuse('lock-mismatch', why), mismatch: 'hot' };
  }
  const bound = { token, ...(holder === null ? {} : { holder }) };
  const done = await carryOut(scene, { by: who, why: reason, endHolder, breakIt: false, ...bound });
  if (done.kind === 'unsafe') return refuse('not-safe', done.why ?? 'the vehicle is not safe');
  if (done.kind === 'denied') return refuse('end-not-allowed', done.why ?? 'the agent may not end the holder');
  if (done.kind === 'refused') {
    return { ...refuse('lock-mismatch', `lock mismatch: ${done.why ?? `${lock.file} HOT`}`), mismatch: 'hot' };
  }
  const { ended } = done;
  return { kind: 'released', oldToken: token, newToken: done.lock.token, changed: done.kind === 'released', ended };
}
