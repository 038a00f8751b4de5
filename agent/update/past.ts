import type { JournalRecord } from '../ports/journal.ts';
import {
  createGenerations,
  type Generation,
  type GenerationCount,
  type GenerationFile,
  generationRecord,
  type NewGeneration,
} from './generations.ts';
import type { HeldRef } from './ref.ts';

/** Bytes on disk that Locksmith did not put there. */
export interface Drift {
  readonly digest: string;
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
}

/** An edit by hand was seen; null: it is gone again. What is put in place ends it too. */
export const driftRecord = (config: string, digest: string | null): JournalRecord => ({ t: 'drift', config, digest });

type Stored =
  | { t: 'generation'; generation: NewGeneration }
  | { t: 'stored'; config: string; n: number; files: readonly GenerationFile[] }
  | { t: 'drift'; config: string; digest: string | null };

/** The `t` of the records of this memory. */
export const PAST_TYPES = ['generation', 'stored', 'drift'] as const;

/** Records of this room were written by this room and carry a check: their type is all that is looked at. */
function isStored(record: JournalRecord): record is JournalRecord & Stored {
  return PAST_TYPES.some((type) => type === record.t);
}

/** The past as its records change it. */
export interface PastMemory {
  readonly past: Past;
  fold(record: JournalRecord): void;
  /** Something was put in place: the disk is as it should be. */
  ran(config: string): void;
  snapshot(): readonly JournalRecord[];
}

/** No past; `signedForm` finds that of a document that is held. */
export function createPast(
  signedForm: (of: HeldRef) => string | null,
  countOf: GenerationCount | undefined,
): PastMemory {
  const generations = createGenerations(countOf);
  const drifts = new Map<string, Drift>();
  return {
    past: {
      generations: generations.of,
      generationWith: (config, digest) => generations.of(config).findLast((one) => one.digest === digest) ?? null,
      original: (config) => generations.of(config).find(({ why }) => why === 'original') ?? null,
      allGenerations: generations.all,
      drift: (config) => drifts.get(config) ?? null,
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
      }
    },
    ran: (config) => void drifts.delete(config),
    snapshot: () => [
      ...[...drifts].map(([config, { digest }]) => driftRecord(config, digest)),
      ...generations.all().map((one) => generationRecord(one)),
    ],
  };
}
