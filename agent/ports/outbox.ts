import type { JournalRecord } from './journal.ts';

/** What the rest of the agent asks of the outbox: records are stamped, journalled, and sent in order as the link allows. */
export interface Outbox {
  /** Journal records for these messages, stamped with the next `seq`; the caller appends them, then calls {@link Outbox.wake}. */
  stamp(messages: readonly Saying[]): readonly JournalRecord[];
  /** These records of {@link Outbox.stamp} are on disk (their append has resolved), and so is all before them: they may be sent. */
  wake(records: readonly JournalRecord[]): void;
}

/** A message for the fleet before it is stamped. */
export interface Saying {
  readonly kind: 'evt' | 'reported' | 'lock';
  /** For `reported` and `lock`. */
  readonly config?: string;
  readonly body: object;
}
