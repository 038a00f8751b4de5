import type { JournalRecord } from '../ports/journal.ts';
import { refuse } from '../values/errors.ts';
import type { EventBody } from '../values/report.ts';
import { allHeld } from './goal.ts';
import { type HeldUpdate, type Ledger, revokedRecord, triedRecord } from './ledger.ts';
import { sameDocument } from './ref.ts';
import { attemptOf, refusalEvent } from './report.ts';

/** What becomes of the documents of keys that are revoked; nothing of it is journalled or said yet. */
export interface Revoked {
  readonly records: readonly JournalRecord[];
  /** The end of each that was open. */
  readonly events: readonly EventBody[];
  readonly dropped: readonly HeldUpdate[];
}

/**
 * Drops what these keys signed; one that waits ends as refused. One that is being committed right now is let finish: it gets the
 * outcome that its commit has, and what runs is resolved again after it. `at`: RFC 3339. Pure.
 */
export function revoke(ledger: Ledger, kids: readonly string[], at: string): Revoked {
  if (kids.length === 0) return { records: [], events: [], dropped: [] };
  const dropped = ledger.configs().flatMap((config) => allHeld(ledger, config).filter(({ kid }) => kids.includes(kid)));
  const open = dropped.filter(
    (held) => held.ended === null && !sameDocument(held, ledger.intent(held.config)?.of ?? null),
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
