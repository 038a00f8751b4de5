import type { HeldUpdate } from './ledger.ts';
import { type HeldRef, sameDocument } from './ref.ts';
import type { TrialPlan } from './trials.ts';

/** One file of a commit under way. Digests are `sha256:…`; null where the file is absent. */
export interface IntentFile {
  readonly name: string;
  /** Name of the staged file beside it; null where the file is to be removed. */
  readonly staged: string | null;
  readonly digest: string | null;
  readonly before: string | null;
}

/** A commit under way: journalled before the first rename, cleared with its outcome. */
export interface Intent {
  readonly config: string;
  /** The document, or null for a return to what was there before Locksmith. */
  readonly of: HeldRef | null;
  readonly files: readonly IntentFile[];
  /** The token found before the agent's own grant. */
  readonly tokenBefore: number;
  /** How the new content has to prove itself, and the digest of what it replaces; absent: not at all. */
  readonly trial?: TrialPlan & { readonly before: string };
  /** A rollback: what goes in is what was there before the trial of `of`. */
  readonly back?: true;
}

/** The commits under way, one a config at most, and what is left of one that a crash cut off and that was taken back. */
export interface UnderWay {
  /** `held`: the document of the intent; null for a return to what was there before Locksmith. */
  begin(intent: Intent, held: HeldUpdate | null): void;
  /** `back`: it was cut off and taken back. */
  finish(config: string, back: boolean): void;
  intent(config: string): Intent | null;
  /** The document of the intent, also if a newer one has taken its place meanwhile; null for none. */
  held(config: string): HeldUpdate | null;
  /** All commits under way. */
  all(): readonly { readonly intent: Intent; readonly held: HeldUpdate | null }[];
  takenBack(): readonly Intent[];
  /** The token that a commit of this document found before it was taken back; null if there was none. */
  tokenFound(config: string, of: HeldRef | null): number | null;
}

/** Nothing is under way. */
export function createUnderWay(): UnderWay {
  const begun = new Map<string, { readonly intent: Intent; readonly held: HeldUpdate | null }>();
  const back = new Map<string, Intent>();
  return {
    begin(intent, held) {
      begun.set(intent.config, { intent, held });
      back.delete(intent.config);
    },
    finish(config, isBack) {
      const intent = begun.get(config)?.intent;
      if (isBack && intent !== undefined) back.set(config, intent);
      else back.delete(config);
      begun.delete(config);
    },
    intent: (config) => begun.get(config)?.intent ?? null,
    held: (config) => begun.get(config)?.held ?? null,
    all: () => [...begun.values()],
    takenBack: () => [...back.values()],
    tokenFound(config, of) {
      const intent = back.get(config);
      return intent !== undefined && sameDocument(intent.of, of) ? intent.tokenBefore : null;
    },
  };
}
