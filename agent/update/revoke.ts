import type { JournalRecord } from '../ports/journal.ts';
import { refuse } from '../values/errors.ts';
import type { EventBody } from '../values/report.ts';
import { allHeld } from './goal.ts';
import { type HeldUpdate, type Ledger, revokedRecord, triedRecord } from './ledger.ts';
import { type HeldRef, sameDocument } from './ref.ts';
import { attemptOf, refusalEvent } from './report.ts';

/** What becomes of the documents of keys that are revoked; nothing of it is journalled or said yet. */
export interface Revoked {
  readonly records: readonly JournalRecord[];
  /** The end of each that was open. */
  readonly events: readonly EventBody[];
  readonly dropped: readonly HeldUpdate[];
}

/**
 * Drops what these keys signed; one that waits ends as refused. One that is under way, being committed or on trial, is let finish: it
 * gets the outcome that comes of that, and what runs is resolved again after it. `at`: RFC 3339. Pure.
 */
export function revoke(
  ledger: Ledger,
  kids: readonly string[],
  at: string,
  underWay: (config: string) => readonly (HeldRef | null)[],
): Revoked {
  if (kids.length === 0) return { records: [], events: [], dropped: [] };
  const dropped = ledger.configs().flatMap((config) => allHeld(ledger, config).filter(({ kid }) => kids.includes(kid)));
  const open = dropped.filter(
    (held) => held.ended === null && !underWay(held.config).some((ref) => ref !== null && sameDocument(held, ref)),
  );
  const ended = open.map((held) => ({
    held,
    refusal: refuse('unknown-key', `the key ${held.kid} that signed it was revoked`),
  }));
  return {
    records: [
      ...ended.map(({ held, refusal }) => {
        const attempt = attemptOf(held, 'refused', at, refusal);
        return triedRecord(held.config, { attempt, key: '' });
      }),
      revokedRecord(kids),
    ],
    events: ended.map(({ held, refusal }) => refusalEvent(held, refusal)),
    dropped,
  };
}
