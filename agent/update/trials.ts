import type { JournalMemory, JournalRecord } from '../ports/journal.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import type { Code } from '../values/errors.ts';
import type { Confirm } from '../values/update.ts';
import { isFresh } from './gates.ts';
import type { HeldUpdate } from './ledger.ts';
import { type HeldRef, sameDocument } from './ref.ts';

/** How new content has to prove itself. */
export interface TrialPlan {
  /** True for a document that is applied for the first time: if it fails, it is rolled back. What comes back was proved before. */
  readonly fresh: boolean;
  /** Who has to confirm it; null: its health is enough. */
  readonly binds: Confirm | null;
}

/** A content that is in place and not proved yet, or that is being taken back because it failed. */
export interface Trial extends TrialPlan {
  readonly config: string;
  /** The document; null for what was there before Locksmith. */
  readonly of: HeldRef | null;
  readonly digest: string;
  /** Digest of what was on disk before: what a rollback restores. */
  readonly before: string;
  /** `hooks`: reload and health; `confirm`: waits for link or fleet; `back`: to be taken back; `restored`: taken back, to be reloaded. */
  readonly phase: 'hooks' | 'confirm' | 'back' | 'restored';
  /** When the confirm is over, on the boot-time clock of that boot; null before. */
  readonly deadline: { readonly boot: string; readonly bootMs: number } | null;
  /** The first error, which is the one that is told. */
  readonly why: { readonly code: Code; readonly reason: string } | null;
  /** True once it was said that the rollback waits for the vehicle. */
  readonly deferred: boolean;
  /** Put in place by a recovery that left the proof to the agent: it has not begun yet, so nothing has cut it off. */
  readonly untried?: true;
}

/** What is on trial, one a config at most, and which contents have failed on this device. */
export interface Trials extends JournalMemory {
  of(config: string): Trial | null;
  /** The document on trial, also if a newer one has taken its place meanwhile; null for none. */
  held(config: string): HeldUpdate | null;
  isBad(config: string, digest: string): boolean;
}

/** A trial begins, or goes on to its next phase. `held`: its document, if that is held nowhere. */
export const trialRecord = (trial: Trial, held: HeldUpdate | null = null): JournalRecord => ({
  ...{ t: 'trial', trial },
  ...(held === null ? {} : { held }),
});
/** It is over, one way or the other. */
export const trialOverRecord = (config: string): JournalRecord => ({ t: 'trial-over', config });
/** This content failed: it is not tried again by itself. */
export const badRecord = (config: string, digest: string, code: Code): JournalRecord => ({
  ...{ t: 'bad', config, digest, code },
});
/** It has proved itself after all. */
export const goodRecord = (config: string, digest: string): JournalRecord => ({ t: 'good', config, digest });

type Stored =
  | { t: 'trial'; trial: Trial; held?: HeldUpdate }
  | { t: 'trial-over'; config: string }
  | { t: 'bad'; config: string; digest: string; code: Code }
  | { t: 'good'; config: string; digest: string };
const TYPES = ['trial', 'trial-over', 'bad', 'good'] as const;

/** Most contents of a config that are remembered as bad. */
const BAD_KEPT = 100;

/** Records of this room were written by this room and carry a check: their type is all that is looked at. */
function isStored(record: JournalRecord): record is JournalRecord & Stored {
  return TYPES.some((type) => type === record.t);
}

/** Knows of none; the journal folds its records in, after those of the ledger. `find`: a document that is held. */
export function createTrials(find: (of: HeldRef | null) => HeldUpdate | null): Trials {
  const trials = new Map<string, { readonly trial: Trial; readonly held: HeldUpdate | null }>();
  const bad = new Map<string, Map<string, Code>>();
  return {
    types: TYPES,
    fold(record) {
      if (!isStored(record)) return;
      switch (record.t) {
        case 'trial': {
          const { trial } = record;
          const before = trials.get(trial.config);
          const known = before !== undefined && sameDocument(before.trial.of, trial.of) ? before.held : null;
          trials.set(trial.config, { trial, held: record.held ?? known ?? find(trial.of) });
          break;
        }
        case 'trial-over':
          trials.delete(record.config);
          break;
        case 'bad': {
          const of = bad.get(record.config) ?? new Map<string, Code>();
          bad.set(record.config, of.set(record.digest, record.code));
          const [oldest] = of.keys();
          if (of.size > BAD_KEPT && oldest !== undefined) of.delete(oldest);
          break;
        }
        case 'good':
          bad.get(record.config)?.delete(record.digest);
          break;
      }
    },
    snapshot: () => [
      // One whose place a newer one has taken is nowhere else.
      ...[...trials.values()].map(({ trial, held }) => trialRecord(trial, held)),
      ...[...bad].flatMap(([config, of]) => [...of].map(([digest, code]) => badRecord(config, digest, code))),
    ],
    of: (config) => trials.get(config)?.trial ?? null,
    held: (config) => trials.get(config)?.held ?? null,
    isBad: (config, digest) => bad.get(config)?.has(digest) === true,
  };
}

/** How a change has to prove itself: by the settings, which a document can make stricter. `linkUp`: when it is made. Pure; null: not at all. */
export function planTrial(settings: ConfigSettings, held: HeldUpdate | null, linkUp: boolean): TrialPlan | null {
  const fresh = isFresh(held);
  const asked = fresh ? [settings.confirm ?? [], held.confirm ?? []].flat() : [];
  const by = asked.some((confirm) => confirm.by === 'fleet') ? 'fleet' : 'link';
  // Nobody can confirm what nobody could reach: without a link its health has to do.
  const binds =
    asked.length > 0 && linkUp ? ({ by, within_s: Math.min(...asked.map(({ within_s }) => within_s)) } as const) : null;
  return settings.reload === undefined && settings.health === undefined && binds === null ? null : { fresh, binds };
}
