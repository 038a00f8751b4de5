import { Failure } from '../values/errors.ts';
import type { LockState, Verdict } from '../values/lock.ts';
import { VERDICTS } from '../values/lock.ts';
import type { Board } from './board.ts';
import { findHolders, toHolder } from './finder.ts';
import { freeByList } from './look.ts';
import { type Parts, pause } from './parts.ts';
import { examine, type FreeLock, type HotLock, readRecord, readWord, type StaleLock } from './settle.ts';
import { stateOf } from './shown.ts';

/** How long an update that is being applied is waited for before its lock counts as HOT. */
export const COMMIT_PATIENCE_MS = 500;
/** Pause between two tries at it. */
export const COMMIT_PAUSE_MS = 10;

/** What a look that changes nothing found, for a person. */
export interface Observation {
  readonly lock: LockState;
  /** Why a stale lock can be reclaimed; null if it is not stale. */
  readonly stale: string | null;
  /** False if not all processes could be looked into: root would see more. */
  readonly complete: boolean;
}

/** True while the agent applies an update under the lock, which takes a moment. */
export function isBeingApplied(found: FreeLock | StaleLock | HotLock): boolean {
  return found.kind === 'hot' && found.record?.purpose === 'commit' && found.verdict === 'held';
}

/** Somebody stays in the guard: that keeps everybody from the lock, so they are named as its holder. */
export function guardKeptBy({ guard, processes, paths }: Parts, hints: readonly number[], token: number): HotLock {
  const file = guard.file();
  const finding = file === null ? null : findHolders(processes, file, hints);
  const holder = finding?.holders[0];
  return {
    ...{ kind: 'hot', verdict: holder === undefined ? 'unseen' : 'held', token, record: null, leakedBy: null },
    ...{ holder: holder === undefined ? null : toHolder(holder), path: paths.guard },
    complete: finding?.complete ?? false,
    reclaims: [],
  };
}

/** Looks as closely as a settle and changes nothing; who may not look closely sees what there is to see. Throws Failure. */
export async function observe(parts: Parts, board: Board, guardKept: () => HotLock): Promise<Observation> {
  const { guard, hands, clock } = parts;
  try {
    const free = freeByList(parts);
    if (free !== null) return { lock: board.note(free), stale: null, complete: true };
    for (let waitedMs = 0; ; waitedMs += COMMIT_PAUSE_MS) {
      const entered = await guard.enter();
      try {
        const found = entered ? examine({ ...parts, hints: board.hints() }) : guardKept();
        if (!isBeingApplied(found) || waitedMs >= COMMIT_PATIENCE_MS) {
          const stale = found.kind === 'stale' ? found.why : null;
          return { lock: board.note(found), stale, complete: found.kind !== 'hot' || found.complete };
        }
      } finally {
        hands.drop();
        if (entered) guard.leave();
      }
      await pause(clock, COMMIT_PAUSE_MS);
    }
  } catch (error) {
    const barred = error instanceof Failure && (error.code === 'no-permission' || error.code === 'missing-directory');
    if (!barred) throw error;
    return { lock: peek(parts), stale: null, complete: false };
  }
}

function asVerdict(word: string | null): Verdict {
  return VERDICTS.find((verdict) => verdict === word?.split(':')[0]) ?? 'held';
}

/**
 * What somebody sees of a lock who may not open its files: the record, the kernel's list, and what the control surface says of the last
 * look of the agent. Takes nothing, proves nothing. Throws Failure where not even those can be read.
 */
function peek(parts: Parts): LockState {
  const { files, kernel, processes, clock, paths, guarded, fileName, surface } = parts;
  const record = readRecord(files, paths.record);
  const token = record === null || record === 'unreadable' ? Number(readWord(files, paths.token) ?? 0) : record.token;
  const cold: LockState = {
    ...{ state: 'COLD', verdict: null, holder: null, since: null, refusals: 0, file: fileName },
    token: Number.isSafeInteger(token) ? token : 0,
  };
  const dated = (lock: LockState): LockState => ({
    ...lock,
    since: surface.since(lock),
    refusals: surface.refusals(lock),
  });
  if (record !== null && record !== 'unreadable' && record.mode === 'held' && record.boot === clock.bootId) {
    const { holder } = record;
    const hot = { ...({ kind: 'hot', verdict: 'held', holder, token: record.token, record, leakedBy: null } as const) };
    return { ...stateOf({ ...hot, path: null, complete: false, reclaims: [] }, fileName, clock), since: record.since };
  }
  const inodes = [{ path: paths.sidecar }, ...guarded].flatMap(
    ({ path }) => kernel.inode('lock.inode', path)?.ino ?? [],
  );
  const line = processes.lockLines()?.find(({ ino }) => inodes.includes(ino));
  if (line !== undefined) {
    const process = processes.describe(line.pid);
    return dated({ ...cold, state: 'HOT', verdict: 'held', holder: process === null ? null : toHolder(process) });
  }
  if (readWord(files, paths.state) !== 'HOT') return dated(cold);
  return dated({ ...cold, state: 'HOT', verdict: asVerdict(readWord(files, paths.verdict)) });
}
