import type { Holder } from '../values/lock.ts';
import type { Parts } from './parts.ts';
import {
  examine,
  type FreeLock,
  type HotLock,
  reachFor,
  reclaim,
  reclaimToken,
  type Scene,
  type StaleLock,
} from './settle.ts';

/** A person's decision that a lock shall be COLD. */
export interface Order {
  /** Who decided. */
  readonly by: string;
  readonly why: string;
  /** What was done before so that the lock is free, in words: goes on record with the reason. */
  readonly done?: readonly string[];
  /** The last resort, for `unseen` alone: puts a new lock file in place of the one that somebody invisible has locked. */
  readonly breakIt: boolean;
  /** The token of the grant that is meant; a lease given since then is left alone. */
  readonly token?: number | undefined;
  /** Who had the lock when the release began: it then goes on record, whatever freed the lock meanwhile. Absent: a free lock is left as it is. */
  readonly from?: { readonly holder: Holder | null };
}

/**
 * Clears a lock by a person's decision: a lease that still runs, or whatever a settle would reclaim anyway; with `breakIt` also a
 * lock whose holder no process shows. Never one whose holder is there. Under the guard; the kernel locks are in our hands when it
 * comes out free. Throws Failure.
 */
export async function clear(parts: Parts, hints: readonly number[], order: Order): Promise<FreeLock | HotLock> {
  const scene: Scene = { ...parts, hints };
  const found = examine(scene);
  if (found.kind === 'free' && order.from === undefined) return found;
  const stale = staleBy(order, found.kind === 'hot' ? takeOver(parts, scene, found, order) : found);
  if (stale.kind === 'hot') return stale;
  const token = reclaimToken(stale);
  if (!parts.tokens.covers(token)) await parts.tokens.reserve(token);
  return reclaim(parts, stale, { by: order.by, holder: order.from?.holder ?? null });
}

/** A lock in our hands as the person's decision makes it stale; one that stays HOT is passed on. */
function staleBy(order: Order, found: FreeLock | StaleLock | HotLock): StaleLock | HotLock {
  switch (found.kind) {
    case 'hot':
      return found;
    case 'stale':
      return found.why === order.why ? found : { ...found, why: reasonOf(order, found.why) };
    case 'free': {
      const { token, unprivileged, reclaims } = found;
      return { kind: 'stale', token, unprivileged, why: reasonOf(order), record: null, reclaims };
    }
  }
}

/** The reason a person gave, with what was done for it, or else with what proves that nobody has the lock. */
function reasonOf({ why, done = [] }: Order, proof?: string): string {
  const more = done.length > 0 ? done.join('; ') : proof;
  return more === undefined ? why : `${why} (${more})`;
}

/** The kernel locks of a lock that may be cleared, in our hands; the lock as it was found if it may not. */
function takeOver(parts: Parts, scene: Scene, found: HotLock, order: Order): StaleLock | HotLock {
  const { token, record, reclaims } = found;
  const mayBreak = order.breakIt && found.verdict === 'unseen' && found.path === null;
  const isMeant = order.token === undefined || order.token === token;
  const runningLease = found.verdict === 'held' && record?.kind === 'lease' && isMeant;
  if (!mayBreak && !runningLease) return found;
  if (mayBreak) replaceSidecar(parts);
  const reach = reachFor(scene);
  if (reach.kind === 'refused') return found;
  return { kind: 'stale', token, unprivileged: reach.unprivileged, why: order.why, record, reclaims };
}

/** The only case in which a sidecar is replaced. Whoever still has the old one fails at the fence: its path leads elsewhere. */
function replaceSidecar({ kernel, files, paths, group }: Parts): void {
  const next = `${paths.sidecar}.next`;
  files.remove('lock.open', next);
  kernel.close('lock.open', kernel.open('lock.open', next, { create: 0o660, group }));
  files.rename('lock.open', next, paths.sidecar);
}
