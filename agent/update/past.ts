import type { JournalRecord } from '../ports/journal.ts';
import {
  createGenerations,
  type Generation,
  type GenerationCount,
  type GenerationDocument,
  type GenerationFile,
  generationRecord,
  type NewGeneration,
} from './generations.ts';
import { type HeldRef, sameDocument } from './ref.ts';

/** Bytes on disk that Locksmith did not put there. */
export interface Drift {
  readonly digest: string;
}

/** A content, by digest and document; null: what was there before Locksmith. */
export interface PinnedContent {
  readonly digest: string;
  readonly document: GenerationDocument | null;
}

/** Somebody next to the device went back to an earlier content: it stays until the fleet sends something newer. */
export interface Pin {
  readonly by: string;
  readonly reason: string;
  /** RFC 3339. */
  readonly at: string;
  readonly to: PinnedContent;
  /** What was taken back. */
  readonly from: PinnedContent;
  /** Documents that were first seen since, the newest of each place. */
  readonly newer: readonly HeldRef[];
  /**
   * The fleet has sent something newer that counts here: nobody is told of the pin any more. What was gone back to still stands until that
   * is applied, for if it is refused, what was taken back must not return by itself.
   */
  readonly over?: true;
}

/** What each config had on disk, and what it has there instead of what was put there. */
export interface Past {
  /** The contents the config had, oldest first. */
  generations(config: string): readonly Generation[];
  /** The newest generation with this content; null if none is kept. What a commit replaced is always there. */
  generationWith(config: string, digest: string): Generation | null;
  /** What was there before Locksmith's first move; null before it. */
  original(config: string): Generation | null;
  allGenerations(): readonly Generation[];
  /** What is on disk instead of what was put there; null while they are the same, as far as anybody looked. */
  drift(config: string): Drift | null;
  /** Null where nobody went back, or something newer of the fleet was applied, or a withdrawal came. */
  pin(config: string): Pin | null;
}

/** An edit by hand was seen; null: it is gone again. What is put in place ends it too. */
export const driftRecord = (config: string, digest: string | null): JournalRecord => ({ t: 'drift', config, digest });

/** Somebody went back. */
export const pinnedRecord = (config: string, pin: Pin): JournalRecord => ({ t: 'pinned', config, pin });
/** The fleet has sent something newer that counts here. */
export const pinOverRecord = (config: string): JournalRecord => ({ t: 'pin-over', config });
/** What the fleet says counts again. */
export const unpinnedRecord = (config: string): JournalRecord => ({ t: 'unpinned', config });

type Stored =
  | { t: 'generation'; generation: NewGeneration }
  | { t: 'stored'; config: string; n: number; files: readonly GenerationFile[] }
  | { t: 'drift'; config: string; digest: string | null }
  | { t: 'pinned'; config: string; pin: Pin }
  | { t: 'pin-over'; config: string }
  | { t: 'unpinned'; config: string };

/** The `t` of the records of this memory. */
export const PAST_TYPES = ['generation', 'stored', 'drift', 'pinned', 'pin-over', 'unpinned'] as const;

/** Records of this room were written by this room and carry a check: their type is all that is looked at. */
function isStored(record: JournalRecord): record is JournalRecord & Stored {
  return PAST_TYPES.some((type) => type === record.t);
}

/** True if a generation is this content, from the same hand. */
export function isContent({ why, digest, document }: Generation, content: PinnedContent): boolean {
  if (why === 'drift' || digest !== content.digest) return false;
  return JSON.stringify(document) === JSON.stringify(content.document);
}

/** The past as its records change it. */
export interface PastMemory {
  readonly past: Past;
  fold(record: JournalRecord): void;
  /** Something was put in place: the disk is as it should be. */
  ran(config: string): void;
  /** A document came for the first time; null: a withdrawal, after which what the fleet says counts again. */
  came(of: HeldRef, digest: string | null): void;
  /** A document was taken back: its content is not gone back to. */
  tookBack(of: HeldRef): void;
  /** What these keys signed is not gone back to. */
  revoke(kids: readonly string[]): void;
  snapshot(): readonly JournalRecord[];
}

/** No past; `signedForm` finds that of a document that is held. */
export function createPast(
  signedForm: (of: HeldRef) => string | null,
  countOf: GenerationCount | undefined,
): PastMemory {
  const drifts = new Map<string, Drift>();
  const pins = new Map<string, Pin>();
  const generations = createGenerations(countOf, (config) => pins.get(config)?.to.digest ?? null);
  return {
    past: {
      generations: generations.of,
      generationWith: (config, digest) => generations.of(config).findLast((one) => one.digest === digest) ?? null,
      original: (config) => generations.of(config).find(({ why }) => why === 'original') ?? null,
      allGenerations: generations.all,
      drift: (config) => drifts.get(config) ?? null,
      pin: (config) => pins.get(config) ?? null,
    },
    fold(record) {
      if (!isStored(record)) return;
      switch (record.t) {
        case 'generation': {
          const { config, document } = record.generation;
          generations.add(record.generation, document === null ? null : signedForm({ config, ...document }));
          break;
        }
        case 'stored':
          generations.stored(record.config, record.n, record.files);
          break;
        case 'drift':
          if (record.digest === null) drifts.delete(record.config);
          else drifts.set(record.config, { digest: record.digest });
          break;
        case 'pinned': {
          const { config, pin } = record;
          pins.set(config, pin);
          const isFrom = (one: Generation) => one.config === config && isContent(one, pin.from);
          generations.takeBack(isFrom, 'rolled-back');
          break;
        }
        case 'pin-over': {
          const pin = pins.get(record.config);
          if (pin !== undefined) pins.set(record.config, { ...pin, over: true });
          break;
        }
        case 'unpinned':
          pins.delete(record.config);
          break;
      }
    },
    ran: (config) => void drifts.delete(config),
    came(of, digest) {
      const pin = pins.get(of.config);
      if (pin === undefined) return;
      const others = pin.newer.filter((one) => one.address !== of.address || one.layer !== of.layer);
      if (digest === null) pins.delete(of.config);
      else pins.set(of.config, { ...pin, newer: [...others, of] });
    },
    tookBack: (of) =>
      generations.takeBack(({ config, document }) => {
        return document !== null && sameDocument({ config, ...document }, of);
      }, 'rolled-back'),
    revoke(kids) {
      const isSigned = (document: GenerationDocument | null) => document !== null && kids.includes(document.kid);
      generations.takeBack(({ document }) => isSigned(document), 'withdrawn');
      for (const [config, { to }] of pins) if (isSigned(to.document)) pins.delete(config);
    },
    snapshot: () => [
      // Before the generations: what is pinned is not dropped among them.
      ...[...pins].map(([config, pin]) => pinnedRecord(config, pin)),
      ...[...drifts].map(([config, { digest }]) => driftRecord(config, digest)),
      ...generations.all().map((one) => generationRecord(one)),
    ],
  };
}
