import type { Journal, JournalRecord } from '../ports/journal.ts';
import type { Grant, LockDoor } from '../ports/lock.ts';
import type { Target } from '../ports/targets.ts';
import type { Clock, Sha256 } from '../ports/world.ts';
import { configDigest } from '../values/digest.ts';
import type { Refusal } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import { rfc3339 } from '../values/units.ts';
import type { Expectation } from '../values/update.ts';
import { checkExpectation } from './admit.ts';
import { digestOf, type FileContent } from './content.ts';
import { generationRecord } from './generations.ts';
import type { Keeper } from './keep.ts';
import { intentOverRecord, intentRecord, type Ledger } from './ledger.ts';
import { type Looks, lookRecord } from './looks.ts';
import type { HeldRef } from './ref.ts';
import type { TrialPlan } from './trials.ts';
import type { Intent } from './under-way.ts';

/** One file as a commit sees it: where it is, and what is staged for it. */
export interface CommitFile {
  readonly name: string;
  readonly target: Target;
  /** Null where the file is to be removed. */
  readonly staged: string | null;
  readonly digest: string | null;
}

/** A set that is staged and goes in together. */
export interface CommitPlan {
  readonly config: string;
  /** Base name of the file people know the config by. */
  readonly file: string;
  /** The document; null for a return to what was there before Locksmith. */
  readonly of: HeldRef | null;
  /** False if a newer document has ended this one meanwhile. */
  stillWanted(): boolean;
  /** False if a gate has shut meanwhile; asked right before the first rename. */
  stillOpen(): boolean;
  /** How the new content has to prove itself; null: not at all. */
  readonly trial: TrialPlan | null;
  /** True for a rollback. */
  readonly back: boolean;
  /** Journals and says what is so now. Called while the lock is still ours, so that what is said is what is on disk. */
  done(intent: Intent): Promise<void>;
  readonly files: readonly CommitFile[];
  readonly expect: Expectation | null;
}

/** How a commit ended. A failure of the disk is thrown as {@link Failure}. */
export type Committed =
  | { readonly kind: 'committed'; readonly before: string; readonly token: number }
  /** `displaced`: a newer document came after the intent, and left this one its end. */
  | { readonly kind: 'hot'; readonly lock: LockState; readonly displaced: boolean }
  | { readonly kind: 'outdated' }
  /** A gate shut before the first rename. */
  | { readonly kind: 'shut'; readonly displaced: boolean }
  | Refusal;

/** What a commit works with. */
export interface CommitPorts {
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly locks: LockDoor;
  readonly keeper: Keeper;
  readonly looks: Looks;
  readonly clock: Clock;
  readonly sha256: Sha256;
}

/** What the files of a config hold: contents and digests in their order (null: absent), and the digest of the config. */
export interface OnDisk {
  readonly contents: readonly FileContent[];
  readonly digests: readonly (string | null)[];
  readonly digest: string;
}

/** Reads what is on disk now, in the order of `files`. */
export function readContents(
  files: readonly { readonly name: string; readonly target: Target }[],
  sha256: Sha256,
): OnDisk {
  const contents = files.map(({ name, target }) => ({ name, bytes: target.read('stage.read') }));
  const digests = contents.map(({ bytes }) => (bytes === null ? null : digestOf(bytes, sha256)));
  const named = contents.map(({ name }, index) => ({ name, digest: digests[index] ?? null }));
  return { contents, digests, digest: configDigest(named, sha256) };
}

/** How the files look that are about to be removed. */
function leaving({ config, files }: CommitPlan) {
  return files.flatMap(({ name, target, staged }) => {
    const look = staged === null ? target.look('stage.read') : null;
    return look === null ? [] : [lookRecord(config, name, look)];
  });
}

/** Puts by what is on disk as a generation: the record of it. */
export async function keepFound(
  { keeper, clock }: Pick<CommitPorts, 'keeper' | 'clock'>,
  config: string,
  why: 'original' | 'drift',
  { digest, contents }: OnDisk,
): Promise<JournalRecord> {
  const files = await keeper.keep('commit.keep', contents);
  const at = rfc3339(clock.wallMs());
  const content = { kind: 'stored', files } as const;
  return generationRecord({ config, why, digest, document: null, outcome: null, at, content });
}

/** Puts by what the move would overwrite and no generation has. */
async function keepBefore(ports: CommitPorts, config: string, disk: OnDisk): Promise<readonly JournalRecord[]> {
  const { ledger } = ports;
  if (ledger.original(config) === null) return [await keepFound(ports, config, 'original', disk)];
  if (ledger.generationWith(config, disk.digest) !== null) return [];
  return [await keepFound(ports, config, 'drift', disk)];
}

/**
 * Renames every staged file in, or removes the file, in one go under the guard, then syncs each directory.
 * Nothing was renamed if the lock was `lost` before, or if `stillOpen` says that a gate is `shut`.
 */
export async function putAll(
  files: readonly CommitFile[],
  grant: Grant,
  stillOpen: () => boolean,
): Promise<'done' | 'lost' | 'shut'> {
  for (const { target, staged } of files) if (staged !== null) grant.cover(target.path(staged));
  const fenced = await grant.fenced(() => {
    if (!stillOpen()) return false;
    for (const { target, staged } of files) {
      if (staged === null) target.remove('commit.remove');
      else target.put('commit.rename', staged);
    }
    return true;
  });
  if (fenced.kind === 'lost') return 'lost';
  if (!fenced.value) return 'shut';
  for (const { target } of files) await target.sync('commit.sync');
  return 'done';
}

/**
 * Commits a staged set under the lock of its config: reads lock, token and disk again inside, keeps what would be lost,
 * journals the intent, renames, and has the outcome journalled, which ends the intent.
 */
export async function commit(ports: CommitPorts, plan: CommitPlan): Promise<Committed> {
  const { journal, locks, sha256 } = ports;
  const held = await locks.hold<Committed>(plan.config, async (grant) => {
    const disk = readContents(plan.files, sha256);
    // After a commit of ours that was taken back the token has moved, but by nobody else.
    const tokenBefore = ports.ledger.tokenFound(plan.config, plan.of) ?? grant.tokenBefore;
    const refusal = checkExpectation(plan.file, plan.expect, { digest: disk.digest, token: tokenBefore });
    if (refusal !== null) return refusal;
    const intent: Intent = {
      config: plan.config,
      of: plan.of,
      files: plan.files.map(({ name, staged, digest }, index) => ({
        name,
        staged,
        digest,
        before: disk.digests[index] ?? null,
      })),
      tokenBefore,
      ...(plan.trial === null ? {} : { trial: { ...plan.trial, before: disk.digest } }),
      ...(plan.back ? { back: true } : {}),
    };
    const kept = [...(await keepBefore(ports, plan.config, disk)), ...leaving(plan)];
    // Nothing waits between this and the intent: from the intent on, a newer document lets this one finish.
    if (!plan.stillWanted()) return { kind: 'outdated' };
    const records = [...kept, intentRecord(intent)];
    // One file alone is atomic by its rename: its intent need only outlive the process, not the power. A trial must not be forgotten.
    const onTrial = plan.trial !== null || plan.back;
    if (plan.files.length > 1 || plan.expect !== null || kept.length > 0 || onTrial) await journal.append(records);
    else journal.note(records);
    const put = await putAll(plan.files, grant, plan.stillOpen);
    if (put !== 'done') {
      // A grant that came to nothing through us has moved the token; what is tried again is held against the one before.
      journal.note([intentOverRecord(plan.config, put === 'shut')]);
      const displaced = !plan.stillWanted();
      return put === 'lost' ? { kind: 'hot', lock: locks.look(plan.config), displaced } : { kind: 'shut', displaced };
    }
    await plan.done(intent);
    return { kind: 'committed', before: disk.digest, token: grant.token };
  });
  return held.kind === 'hot' ? { ...held, displaced: false } : held.value;
}
