import type { JournalRecord } from '../ports/journal.ts';
import type { LockDoor } from '../ports/lock.ts';
import type { Cancel } from '../ports/world.ts';
import type { ConfirmedBy, EventBody, LastAttempt, Pending, Pinned, Running } from '../values/report.ts';
import type { Speak } from './intake.ts';
import type { Ledger } from './ledger.ts';
import type { Drift, Pin } from './past.ts';
import { sayReported } from './report.ts';

/** The state of one config. */
export interface ConfigView {
  readonly running: Running;
  readonly lastAttempt: LastAttempt | null;
  readonly pending: Pending | null;
  readonly drift: Drift | null;
  readonly confirmedBy: ConfirmedBy | null;
  readonly pinned: Pinned | null;
}

/** What one config waits for and what was last said of it; the rest of its state is in the ledger. */
export interface Said {
  view(config: string): ConfigView;
  /** What runs: the very same object until that changes. */
  running(config: string): Running;
  /** What is on disk before Locksmith's first move. */
  foundOriginal(config: string, digest: string): void;
  /** Journals and says it all in one go; the state of the config goes along if it differs from what was said last. */
  tell(
    config: string,
    records: readonly JournalRecord[],
    events: readonly EventBody[],
    next?: Partial<ConfigView>,
  ): Promise<void>;
  /** The causes that were told of a document that waits; null if nothing was. What was told before a restart counts. */
  told(config: string, document: string): readonly string[] | null;
  /** Something waits, and these causes are told. Gives the key under which an attempt remembers that. */
  waits(config: string, pending: Pending, document: string, causes: readonly string[]): string;
  /** From now on the lock is watched until it is left, or the config rests. */
  watchLock(config: string): void;
  leaveLock(config: string): void;
  /** Nothing waits any more. */
  rests(config: string): void;
}

/** Drift and pin once these records are journalled. */
function after(
  records: readonly JournalRecord[],
  config: string,
  now: ConfigView,
): Pick<ConfigView, 'drift' | 'pinned'> {
  let { drift, pinned } = now;
  for (const record of records) {
    if (record.config !== config) continue;
    if (record.t === 'ran') drift = null;
    if (record.t === 'drift') drift = typeof record.digest === 'string' ? { digest: record.digest } : null;
    if (record.t === 'unpinned' || record.t === 'pin-over') pinned = null;
  }
  return { drift, pinned };
}

/** A pin as the fleet is told of it. */
function sayPin(pin: Pin | null): Pinned | null {
  return pin === null || pin.over === true ? null : { by: pin.by, reason: pin.reason, at: pin.at };
}

/** Starts with nothing said. */
export function createSaid(ledger: Ledger, locks: LockDoor, speak: Speak): Said {
  const pending = new Map<string, Pending>();
  const lastSaid = new Map<string, string>();
  const keys = new Map<string, string>();
  const watches = new Map<string, Cancel>();
  const originals = new Map<string, Running>();

  const original = (digest: string): Running => ({ version: 0, layer: null, address: null, digest, since: null });
  const unseen = original('');
  const running = (config: string): Running => ledger.running(config) ?? originals.get(config) ?? unseen;
  const view = (config: string): ConfigView => ({
    running: running(config),
    lastAttempt: ledger.tried(config)?.attempt ?? null,
    pending: pending.get(config) ?? null,
    drift: ledger.drift(config),
    confirmedBy: ledger.confirmedBy(config),
    pinned: sayPin(ledger.pin(config)),
  });
  const leaveLock = (config: string) => {
    watches.get(config)?.();
    watches.delete(config);
  };
  return {
    view,
    running,
    foundOriginal: (config, digest) => originals.set(config, original(digest)),
    async tell(config, records, events, next = {}) {
      const now = view(config);
      const state = { ...now, ...next, ...after(records, config, now) };
      const saying = sayReported(config, state);
      const said = JSON.stringify(saying.body);
      const changed = lastSaid.get(config) !== said;
      if (records.length + events.length === 0 && !changed) return;
      await speak(records, events, changed ? [saying] : []);
      lastSaid.set(config, said);
    },
    told(config, document) {
      // What was said before a restart is in the ledger with the attempt.
      const known = keys.get(config) ?? ledger.tried(config)?.key ?? '';
      const [whom, ...causes] = known.split('\n');
      return whom === document ? causes : null;
    },
    waits(config, waiting, document, causes) {
      pending.set(config, waiting);
      const key = [document, ...causes].join('\n');
      keys.set(config, key);
      return key;
    },
    watchLock(config) {
      if (!watches.has(config)) watches.set(config, locks.expectCold(config));
    },
    leaveLock,
    rests(config) {
      pending.delete(config);
      keys.delete(config);
      leaveLock(config);
    },
  };
}
