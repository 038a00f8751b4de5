import type { Files } from '../ports/files.ts';
import type { Inode } from '../ports/kernel.ts';
import type { Processes, ProcessInfo } from '../ports/processes.ts';
import type { Clock } from '../ports/world.ts';
import type { Holder, Verdict } from '../values/lock.ts';
import { type Finding, findHolders, mayBlock, ownerState, toHolder } from './finder.ts';
import type { Hands, Reach } from './hands.ts';
import type { LockPaths } from './parts.ts';
import { type HeldRecord, type LockRecord, parseRecord, RECORD_MAX_BYTES, type Reclaim, recordText } from './record.ts';
import type { Tokens } from './token.ts';
import { decide, type Evidence } from './verdict.ts';

/** What a settle works with: one lock, and the world around it. */
export interface Scene {
  readonly paths: LockPaths;
  readonly hands: Hands;
  readonly tokens: Tokens;
  readonly files: Files;
  readonly processes: Processes;
  readonly clock: Clock;
  /** The process we are. */
  readonly self: ProcessInfo;
  /** Users whose lock on a config file counts. */
  readonly honour: readonly string[];
  /** Pids that had the lock when it was last looked at. */
  readonly hints: readonly number[];
}

/** A HOT lock, as found. */
export interface HotLock {
  readonly kind: 'hot';
  readonly verdict: Verdict;
  readonly holder: Holder | null;
  readonly token: number;
  /** The record of the holder, where there is one that counts. */
  readonly record: HeldRecord | null;
  /** `orphaned`: who took the lock and is gone. */
  readonly leakedBy: number | null;
  /** The config file that is locked, if it is not the sidecar. */
  readonly path: string | null;
  /** False if not all processes could be looked into. */
  readonly complete: boolean;
  readonly reclaims: readonly Reclaim[];
}

/** Nobody has the lock; its kernel locks are in our hands. */
export interface FreeLock {
  readonly kind: 'free';
  readonly token: number;
  readonly unprivileged: readonly Holder[];
  /** Reclaims on record. */
  readonly reclaims: readonly Reclaim[];
}

/** The lock says it is taken, but nobody has it by proof: it can be reclaimed. Its kernel locks are in our hands. */
export interface StaleLock {
  readonly kind: 'stale';
  readonly token: number;
  readonly unprivileged: readonly Holder[];
  readonly why: string;
  readonly record: HeldRecord | null;
  readonly reclaims: readonly Reclaim[];
}

/** The record as it is on disk; null if there is none. Throws Failure. */
export function readRecord(files: Files, path: string): LockRecord | 'unreadable' | null {
  const bytes = files.read('lock.record', path);
  if (bytes === null) return null;
  return (bytes.length <= RECORD_MAX_BYTES ? parseRecord(bytes) : null) ?? 'unreadable';
}

/**
 * The highest token that may have been given: the record's, or, without a record of this boot (one of another boot may have lost its
 * last change in a power cut), the ceiling. Throws Failure.
 */
export function tokenOf(record: LockRecord | 'unreadable' | null, tokens: Tokens, boot: string): number {
  if (record === null || record === 'unreadable') return tokens.last();
  return record.boot === boot ? record.token : Math.max(record.token, tokens.last());
}

/** Short text of a control file, trimmed; null if it is missing or cannot be read. */
export function readWord(files: Files, path: string): string | null {
  const bytes = files.read('lock.view', path, RECORD_MAX_BYTES);
  return bytes === null ? null : new TextDecoder().decode(bytes).trim();
}

/**
 * Looks at one lock with everything there is: reaches for its kernel locks, reads the record, finds the processes. Changes nothing.
 * Under the guard only. When it comes out free or stale, the kernel locks are in our hands. Throws Failure; they are dropped then.
 */
export function examine(scene: Scene): FreeLock | StaleLock | HotLock {
  const { hands, files, paths, tokens, clock } = scene;
  const reach = reachFor(scene);
  try {
    const record = readRecord(files, paths.record);
    const facts = gather(scene, reach, record);
    const decision = decide(facts.evidence);
    const token = tokenOf(record, tokens, clock.bootId);
    const held = record !== null && record !== 'unreadable' && record.mode === 'held' ? record : null;
    const unprivileged = reach.kind === 'got' ? reach.unprivileged : [];
    const reclaims = record === null || record === 'unreadable' ? [] : record.reclaims;
    if (decision.kind === 'cold') {
      return { kind: 'free', token, unprivileged, reclaims };
    }
    if (decision.kind === 'reclaim') {
      return { kind: 'stale', token, unprivileged, why: decision.why, record: held, reclaims };
    }
    if (reach.kind === 'got') hands.drop();
    return { ...hotLock(decision, held, facts.finding, reach), token, reclaims };
  } catch (error) {
    hands.drop();
    throw error;
  }
}

/** Reaches for the kernel locks, passing over those of users whose lock does not count. Under the guard only. Throws Failure. */
export function reachFor({ hands, processes, hints, self, honour }: Scene): Reach {
  return hands.reach((file) => {
    const { holders, attributed } = findHolders(processes, file, hints);
    const counts = holders.some((holder) => mayBlock(holder, file, self, honour));
    return attributed && !counts ? holders.map(toHolder) : null;
  });
}

/** Everything the verdict rests on. */
function gather(
  scene: Scene,
  reach: Reach,
  record: LockRecord | 'unreadable' | null,
): { readonly evidence: Evidence; readonly finding: Finding | null } {
  const { files, paths, processes, self, clock, hands } = scene;
  const held = record !== null && record !== 'unreadable' && record.mode === 'held' ? record : null;
  const sidecar = hands.sidecar();
  const sameSidecar =
    held === null || (sidecar !== null && held.sidecar.ino === sidecar.ino && held.sidecar.dev === sidecar.dev);
  const suspect: Inode | null = reach.kind === 'refused' ? reach.file : sameSidecar ? null : (held?.sidecar ?? null);
  const finding = suspect === null ? null : findHolders(processes, suspect, [...scene.hints, held?.holder.pid ?? 0]);
  const deadline = held?.timeNamespace === self.timeNamespace ? held.deadlineBootMs : null;
  const bit = readWord(files, paths.bit) === '1' && readWord(files, paths.state) !== 'HOT';
  return {
    finding,
    evidence: {
      kernel: reach.kind === 'got' ? 'got' : reach.where,
      ...{ record, bit, boot: clock.bootId, sameSidecar },
      owner: held === null ? 'none' : ownerState(held, processes, self),
      late: deadline !== null && clock.bootMs() > deadline,
      found: finding !== null && finding.holders.length > 0,
      takerGone: finding?.takerGone !== null && finding !== null,
    },
  };
}

function hotLock(
  { verdict, by }: { readonly verdict: Verdict; readonly by: 'record' | 'found' | 'nobody' },
  held: HeldRecord | null,
  finding: Finding | null,
  reach: Reach,
): Omit<HotLock, 'token' | 'reclaims'> {
  const found = finding?.holders[0];
  const holder =
    by === 'record' ? (held?.holder ?? null) : by === 'found' && found !== undefined ? toHolder(found) : null;
  const leakedBy = verdict === 'orphaned' ? (finding?.takerGone ?? held?.holder.pid ?? null) : null;
  const path = reach.kind === 'refused' && reach.where === 'file' ? reach.path : null;
  return {
    ...{ kind: 'hot', verdict, holder, leakedBy },
    record: by === 'record' || verdict === 'orphaned' ? held : null,
    path: by === 'record' ? null : path,
    complete: finding?.complete ?? true,
  };
}

/** The token a reclaim of this lock gives: covered by the ceiling before {@link reclaim} may be called. */
export function reclaimToken(stale: StaleLock): number {
  return stale.token + 1;
}

/**
 * Makes a stale lock free: record, then bit, under the kernel locks that are in our hands. `release`: who decided so, and who had the
 * lock if the record does not say. Throws Failure.
 */
export function reclaim(
  { files, paths, clock }: Pick<Scene, 'files' | 'paths' | 'clock'>,
  stale: StaleLock,
  release: { readonly by: string; readonly holder: Holder | null } | null = null,
): FreeLock {
  const newToken = reclaimToken(stale);
  const { why, unprivileged } = stale;
  const holder = stale.record?.holder ?? release?.holder ?? null;
  const done: Reclaim = { oldToken: stale.token, newToken, why, by: release?.by ?? null, holder };
  const reclaims = [...stale.reclaims, done];
  const record = recordText({ mode: 'free', token: newToken, boot: clock.bootId, reclaims });
  files.writeView('lock.record', paths.record, record, 0o644);
  files.writeView('lock.view', paths.bit, '0\n', 0o644);
  return { kind: 'free', token: newToken, unprivileged, reclaims };
}
