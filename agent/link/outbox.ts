import type { Journal, JournalRecord } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Outbox, Saying } from '../ports/outbox.ts';
import type { Clock } from '../ports/world.ts';
import type { ClockTrust } from '../values/report.ts';
import { messageOf } from '../values/thrown.ts';
import { deviceTopic, TOPICS } from '../values/topics.ts';
import { rfc3339 } from '../values/units.ts';
import { openAcknowledged } from './acknowledged.ts';
import { openBelt } from './belt.ts';
import { type Entry, type OutboxMemory, outRecord, sentRecord } from './outbox-memory.ts';
import { type Pace, tokenBucket } from './pace.ts';
import { giveUp, type OutboxBounds, overBounds } from './sacrifice.ts';
import type { Publish } from './session.ts';

/** Acknowledgements noted together while more are under way. Effect: at most this many more are sent again after a crash. */
const NOTE_EVERY = 16;
/** The defaults: a day of a busy device without a link, and what a broker takes from a whole fleet at once. */
export const OUTBOX_DEFAULTS = {
  bounds: { maxCount: 4000, maxBytes: 2 * 1024 * 1024 },
  pace: { perSecond: 200, burst: 50 },
} as const satisfies { readonly bounds: OutboxBounds; readonly pace: Pace };

/** What an outbox is made of. */
export interface OutboxInput {
  readonly device: { readonly id: string };
  /** First level of every topic. */
  readonly root: string;
  readonly memory: OutboxMemory;
  readonly journal: Pick<Journal, 'note'>;
  readonly clock: Clock;
  readonly clockTrust: () => ClockTrust;
  readonly log: Log;
  readonly bounds?: OutboxBounds;
  readonly pace?: Pace;
}

/** The outbox at work. */
export interface RunningOutbox extends Outbox {
  /** Everything replayed from the journal may be sent. Call once, after the journal was opened. */
  start(): void;
  linkUp(publish: Publish): void;
  linkDown(): void;
  /** Says the last states (of one config, or of all) once more, as they are: for who has missed them. */
  republish(config: string | null): void;
  /** The highest number of which the broker had everything `agoMs` ago; 0 if it had nothing. */
  acknowledged(agoMs: number): number;
  /** Told whenever the broker has more. */
  onAcknowledged(listener: () => void): void;
  /** How much waits for the broker. */
  backlog(): { readonly count: number; readonly bytes: number };
  /** Resolves to true when nothing waits any more, to false after `withinMs`. */
  drained(withinMs: number): Promise<boolean>;
}

/** Makes the outbox over its memory. Every message goes out in the order of its number, at least once, never before it is on disk. */
export function createOutbox(input: OutboxInput): RunningOutbox {
  const { memory, clock, log, root, device } = input;
  const bounds = input.bounds ?? OUTBOX_DEFAULTS.bounds;
  const bucket = tokenBucket(input.pace ?? OUTBOX_DEFAULTS.pace, clock.bootMs());
  const inFlight = new Set<number>();
  /** Acknowledged, but not yet noted, because something before it is not, or to note several at once. */
  const acked = new Set<number>();
  const history = openAcknowledged(clock);
  const waiters = new Set<() => void>();
  const listeners: (() => void)[] = [];
  let durableSeq = 0;
  /** Highest number sent over the present link. */
  let cursor = 0;
  /** What had piled up when the link came. */
  let piledUpSeq = 0;
  /** Last states the broker had from an earlier link; it may have forgotten them. */
  let refresh: Entry[] = [];

  const topicOf = ({ kind, config }: Entry) =>
    kind === 'evt' ? deviceTopic(root, device.id, 'evt') : deviceTopic(root, device.id, kind, config);

  /** Up to here all that waited has been acknowledged; 0 where not even the first. */
  const lowAcked = (): number => {
    let low = 0;
    for (const seq of memory.pending.keys()) {
      if (!acked.has(seq)) break;
      low = seq;
    }
    return low;
  };
  const noteSent = () => {
    const low = lowAcked();
    if (low === 0) return;
    try {
      input.journal.note([sentRecord(low)]);
    } catch (error) {
      // A full disk: they stay in the outbox, are not sent again over this link, and are noted later.
      log.say('warning', `outbox: cannot note what was sent: ${messageOf(error)}`);
      return;
    }
    for (const seq of acked) if (seq <= low) acked.delete(seq);
  };

  const nextFresh = (): Entry | null => {
    for (const entry of memory.pending.values()) {
      if (entry.seq > durableSeq) return null;
      if (entry.seq > cursor && !acked.has(entry.seq) && !inFlight.has(entry.seq)) return entry;
    }
    return null;
  };
  const nextRefresh = (): Entry | null => {
    for (let [entry] = refresh; entry !== undefined; [entry] = refresh) {
      const { seq } = entry;
      // A newer state of the same config has gone out, or will.
      if (memory.states().some((state) => state.seq === seq)) return entry;
      refresh.shift();
    }
    return null;
  };
  const belt = openBelt<{ readonly entry: Entry; readonly fresh: boolean }>({
    clock,
    log,
    next() {
      const [fresh, old] = [nextFresh(), nextRefresh()];
      if (fresh !== null) return { entry: fresh, fresh: true };
      return old === null ? null : { entry: old, fresh: false };
    },
    // What happens now goes out as fast as the window lets it; only what an outage piled up is paced.
    waitMs: ({ entry, fresh }) => (fresh && entry.seq > piledUpSeq ? 0 : bucket.take(clock.bootMs())),
    message: ({ entry }) => ({ topic: topicOf(entry), text: entry.text, retain: TOPICS[entry.kind].retained }),
    sent({ entry, fresh }) {
      inFlight.add(entry.seq);
      if (fresh) cursor = entry.seq;
      else refresh.shift();
    },
    had({ entry, fresh }) {
      inFlight.delete(entry.seq);
      if (fresh) {
        acked.add(entry.seq);
        history.note(lowAcked());
      }
      if (belt.under() === 0 || acked.size >= NOTE_EVERY) noteSent();
      if (memory.pending.size === 0) for (const wake of [...waiters]) wake();
      if (fresh) for (const listener of listeners) listener();
    },
    refused({ entry }) {
      inFlight.delete(entry.seq);
      // What follows waits too: order is kept.
      cursor = Math.min(cursor, entry.seq - 1);
    },
  });

  return {
    stamp(messages) {
      let seq = memory.lastSeq();
      const at = rfc3339(clock.wallMs());
      const trust = input.clockTrust();
      const fresh: Entry[] = [];
      const records: JournalRecord[] = [];
      const add = ({ kind, config, body }: Saying) => {
        seq += 1;
        const stamped = { seq, boot: clock.bootId, at, clock: trust, ...body };
        fresh.push({ seq, kind, config: config ?? '', text: JSON.stringify(stamped) });
        records.push(outRecord(seq, kind, config, stamped));
      };
      for (const message of messages) add(message);
      const bytes = fresh.reduce((sum, { text }) => sum + text.length, memory.pendingBytes());
      if (overBounds(memory.pending.size + fresh.length, bytes, bounds)) {
        const { saying, shed } = giveUp(
          [...memory.pending.values(), ...fresh],
          (entry) => inFlight.has(entry.seq) || acked.has(entry.seq),
          bounds,
        );
        if (saying !== null) add(saying);
        records.push(shed);
      }
      return records;
    },
    wake(records) {
      for (const { t, seq } of records)
        if (t === 'out' && typeof seq === 'number') durableSeq = Math.max(durableSeq, seq);
      belt.pump();
    },
    start() {
      durableSeq = memory.lastSeq();
      belt.pump();
    },
    linkUp(publish) {
      cursor = 0;
      piledUpSeq = memory.lastSeq();
      inFlight.clear();
      refresh = memory.states().filter(({ seq }) => !memory.pending.has(seq));
      belt.up(publish);
      belt.pump();
    },
    linkDown() {
      belt.down();
      inFlight.clear();
      noteSent();
    },
    republish(config) {
      const states = memory.states().filter((state) => config === null || state.config === config);
      const queued = new Set(refresh.map(({ seq }) => seq));
      refresh.push(...states.filter(({ seq }) => !memory.pending.has(seq) && !queued.has(seq)));
      belt.pump();
    },
    acknowledged: history.ago,
    onAcknowledged: (listener) => void listeners.push(listener),
    backlog: () => ({ count: memory.pending.size, bytes: memory.pendingBytes() }),
    drained: (withinMs) =>
      new Promise((resolve) => {
        const done = () => {
          waiters.delete(done);
          cancel();
          resolve(memory.pending.size === 0);
        };
        const cancel = clock.after(withinMs, done);
        waiters.add(done);
        if (memory.pending.size === 0) done();
      }),
  };
}
