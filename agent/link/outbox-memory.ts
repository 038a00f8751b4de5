import type { JournalMemory, JournalRecord } from '../ports/journal.ts';
import type { Saying } from '../ports/outbox.ts';
import type { Evt, LockReport, Reported } from '../values/report.ts';

/** Events kept for `history` after the broker has them. */
const HISTORY_COUNT = 1000;

/** One stamped message. `text` is its payload as it goes out. */
export interface Entry {
  readonly seq: number;
  readonly kind: Saying['kind'];
  /** Empty for events. */
  readonly config: string;
  readonly text: string;
}

/** What the outbox remembers; usable without a link by a command that only reads the journal. */
export interface OutboxMemory extends JournalMemory {
  /** The highest number given; 0 before the first. */
  lastSeq(): number;
  /** What the broker does not have yet, in the order of the numbers. */
  readonly pending: ReadonlyMap<number, Entry>;
  /** Characters of all payloads in {@link OutboxMemory.pending}. */
  pendingBytes(): number;
  /** The newest events, oldest first; of one config if named. */
  history(config?: string): readonly Evt[];
  lastReported(config: string): Reported | null;
  lastLock(config: string): LockReport | null;
  /** The last state of every config, sent or not. */
  states(): readonly Entry[];
}

function toEntry(record: JournalRecord): Entry | null {
  const { seq, kind, config, body } = record;
  if (typeof seq !== 'number' || typeof body !== 'object' || body === null) return null;
  if (kind !== 'evt' && kind !== 'reported' && kind !== 'lock') return null;
  return { seq, kind, config: kind !== 'evt' && typeof config === 'string' ? config : '', text: JSON.stringify(body) };
}

/** The record of a stamped message. */
export function outRecord(seq: number, kind: Saying['kind'], config: string | undefined, body: object): JournalRecord {
  return { t: 'out', seq, kind, ...(config === undefined ? {} : { config }), body };
}

/** The record that says the broker has everything up to and with `seq`. */
export function sentRecord(seq: number): JournalRecord {
  return { t: 'sent', seq };
}

/** The record that gives numbers up, and makes some events stand for others. */
export function shedRecord(drop: readonly number[], counts: ReadonlyMap<number, number>): JournalRecord {
  const ranges: [number, number][] = [];
  for (const seq of drop) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === seq - 1) last[1] = seq;
    else ranges.push([seq, seq]);
  }
  return { t: 'shed', ranges, counts: [...counts] };
}

function pairs(value: unknown): readonly (readonly [number, number])[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((pair: unknown) => {
    if (!Array.isArray(pair)) return [];
    const [a, b]: readonly unknown[] = pair;
    return typeof a === 'number' && typeof b === 'number' ? [[a, b] as const] : [];
  });
}

/** Makes an empty memory of the outbox. */
export function createOutboxMemory(): OutboxMemory {
  const pending = new Map<number, Entry>();
  const states = new Map<string, Entry>();
  let events: Entry[] = [];
  let lastSeq = 0;
  let sentSeq = 0;
  let bytes = 0;

  const remove = (seq: number) => {
    const entry = pending.get(seq);
    if (entry === undefined) return;
    pending.delete(seq);
    bytes -= entry.text.length;
  };
  const add = (entry: Entry) => {
    lastSeq = Math.max(lastSeq, entry.seq);
    if (entry.kind === 'evt') {
      events.push(entry);
      // Trimmed in steps: shifting a full array at every event would cost more than the few kept too long.
      if (events.length > HISTORY_COUNT + 100) events = events.slice(-HISTORY_COUNT);
    } else {
      states.set(`${entry.kind}/${entry.config}`, entry);
    }
    if (entry.seq <= sentSeq) return;
    pending.set(entry.seq, entry);
    bytes += entry.text.length;
  };
  const fold = (record: JournalRecord) => {
    switch (record.t) {
      case 'out': {
        const entry = toEntry(record);
        if (entry !== null) add(entry);
        break;
      }
      case 'sent':
        if (typeof record.seq !== 'number') break;
        sentSeq = Math.max(sentSeq, record.seq);
        lastSeq = Math.max(lastSeq, sentSeq);
        for (const seq of pending.keys()) {
          if (seq > sentSeq) break;
          remove(seq);
        }
        break;
      case 'shed':
        for (const [from, to] of pairs(record.ranges)) for (let seq = from; seq <= to; seq += 1) remove(seq);
        for (const [seq, count] of pairs(record.counts)) {
          const entry = pending.get(seq);
          if (entry === undefined) continue;
          const body: object = JSON.parse(entry.text);
          const text = JSON.stringify({ ...body, count });
          bytes += text.length - entry.text.length;
          pending.set(seq, { ...entry, text });
        }
        break;
    }
  };

  return {
    types: ['out', 'sent', 'shed'],
    fold,
    snapshot() {
      const kept = new Map<number, Entry>();
      for (const entry of [...events.slice(-HISTORY_COUNT), ...states.values(), ...pending.values()]) {
        kept.set(entry.seq, entry);
      }
      const entries = [...kept.values()].sort((a, b) => a.seq - b.seq);
      const settled = entries.filter(({ seq }) => seq > sentSeq && !pending.has(seq)).map(({ seq }) => seq);
      return [
        sentRecord(sentSeq),
        ...entries.map(({ seq, kind, config, text }) =>
          outRecord(seq, kind, kind === 'evt' ? undefined : config, JSON.parse(text)),
        ),
        ...(settled.length === 0 ? [] : [shedRecord(settled, new Map())]),
      ];
    },
    lastSeq: () => lastSeq,
    pending,
    pendingBytes: () => bytes,
    history(config) {
      const evts = events.slice(-HISTORY_COUNT).map(({ text }): Evt => JSON.parse(text));
      return config === undefined ? evts : evts.filter((evt) => evt.config === config);
    },
    lastReported: (config) => {
      const entry = states.get(`reported/${config}`);
      return entry === undefined ? null : JSON.parse(entry.text);
    },
    lastLock: (config) => {
      const entry = states.get(`lock/${config}`);
      return entry === undefined ? null : JSON.parse(entry.text);
    },
    states: () => [...states.values()],
  };
}
