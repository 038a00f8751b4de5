import type { JournalRecord } from '../ports/journal.ts';
import type { Outcome } from '../values/report.ts';
import type { Address, Layer } from '../values/topics.ts';

/** Contents of each kind that are kept where no settings say how many. */
const KEPT_DEFAULT = 10;

/** A file of a generation by base name and digest; null where the file was absent. */
export interface GenerationFile {
  readonly name: string;
  readonly digest: string | null;
}

/** The document that put a content in place. */
export interface GenerationDocument {
  readonly id: string;
  readonly version: number;
  readonly layer: Layer;
  readonly address: Address;
  /** The key that signed it. */
  readonly kid: string;
}

/** One content that a config had on disk, with whose it was and what became of it. */
export interface Generation {
  readonly config: string;
  /** Counts up within its config; 1 is what was there before Locksmith. */
  readonly n: number;
  readonly why: 'original' | 'update' | 'drift';
  readonly digest: string;
  /** Null for what was there before Locksmith and for an edit by hand. */
  readonly document: GenerationDocument | null;
  /** What became of the content; null for what nobody sent. */
  readonly outcome: Outcome | null;
  /** When it came into being, or was found; RFC 3339. */
  readonly at: string;
  /** Where its bytes are: put by under the state directory, or still only in the signed form of the document. */
  readonly content:
    | { readonly kind: 'stored'; readonly files: readonly GenerationFile[] }
    | { readonly kind: 'signed'; readonly jws: string };
}

/** A generation as it is journalled: its number is given when it is folded in, its signed form may stand with the document held. */
export type NewGeneration = Omit<Generation, 'n' | 'content'> & {
  readonly n?: number;
  readonly content: Generation['content'] | { readonly kind: 'held' };
};

/** A content came into being. */
export const generationRecord = (generation: NewGeneration): JournalRecord => ({ t: 'generation', generation });
/** The bytes of a generation were put by: its signed form is needed no more. */
export const storedRecord = ({ config, n }: Generation, files: readonly GenerationFile[]): JournalRecord => ({
  ...{ t: 'stored', config, n, files },
});

/** The contents each config had, oldest first, bounded. */
export interface Generations {
  /** `signedForm`: of the document, as far as it is held. Without any the content is lost, and there is nothing to keep. */
  add(made: NewGeneration, signedForm: string | null): void;
  stored(config: string, n: number, files: readonly GenerationFile[]): void;
  /** Somebody took these contents back: they are not gone back to any more. */
  takeBack(which: (one: Generation) => boolean, outcome: Outcome): void;
  of(config: string): readonly Generation[];
  all(): readonly Generation[];
}

/** True if both are the same content from the same hand: the newer one then takes the place of the older. */
function isSame(a: NewGeneration, b: NewGeneration): boolean {
  const { why, digest, document } = a;
  return b.why === why && b.digest === digest && JSON.stringify(b.document) === JSON.stringify(document);
}

/** The newest `count` that were applied, as many of the others, and always what was there before Locksmith or is pinned. */
function bound(all: readonly Generation[], count: number, pinned: string | null): readonly Generation[] {
  const isGood = ({ why, outcome }: Generation) => why === 'update' && outcome === 'applied';
  const others = all.filter((one) => one.why !== 'original');
  const kept = [...others.filter(isGood).slice(-count), ...others.filter((one) => !isGood(one)).slice(-count)];
  return all.filter((one) => one.why === 'original' || one.digest === pinned || kept.includes(one));
}

/** How many generations of each kind a config keeps; undefined for one that is in no settings (any more). */
export type GenerationCount = (config: string) => number | undefined;

/** No generations. `pinned`: the digest of a content that is not to be dropped. */
export function createGenerations(
  countOf: GenerationCount = () => undefined,
  pinned: (config: string) => string | null = () => null,
): Generations {
  const configs = new Map<string, readonly Generation[]>();
  const of = (config: string) => configs.get(config) ?? [];
  return {
    add(made, signedForm) {
      const { config } = made;
      const content =
        made.content.kind !== 'held'
          ? made.content
          : signedForm === null
            ? null
            : ({ kind: 'signed', jws: signedForm } as const);
      if (content === null) return;
      const n = made.n ?? (of(config).at(-1)?.n ?? 0) + 1;
      const older = of(config).filter((one) => !isSame(one, made));
      configs.set(config, bound([...older, { ...made, n, content }], countOf(config) ?? KEPT_DEFAULT, pinned(config)));
    },
    stored(config, n, files) {
      const change = (one: Generation): Generation =>
        one.n === n ? { ...one, content: { kind: 'stored', files } } : one;
      configs.set(config, of(config).map(change));
    },
    takeBack(which, outcome) {
      for (const [config, list] of configs)
        configs.set(
          config,
          list.map((one) => (which(one) ? { ...one, outcome } : one)),
        );
    },
    of,
    all: () => [...configs.values()].flat(),
  };
}
