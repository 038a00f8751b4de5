import type { Journal, JournalRecord } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Outbox, Saying } from '../ports/outbox.ts';
import type { Clock } from '../ports/world.ts';
import type { ClockTrust } from '../values/report.ts';
import { deviceTopic, TOPICS } from '../values/topics.ts';
import { rfc3339 } from '../values/units.ts';
import { openAcknowledged } from './acknowledged.ts';
import { type Entry, type OutboxMemory, outRecord, sentRecord } from './outbox-memory.ts';
import { type Pace, tokenBucket } from './pace.ts';
import { giveUp, type OutboxBounds, overBounds } from './sacrifice.ts';
import type { Publish } from './session.ts';

/** Messages under way at once. Small, so that little is sent twice after a lost link; enough to fill a round trip. */
const WINDOW = 8;
/** Acknowledgements noted together while more are under way. Effect: at most this many more are sent again after a crash. */
const NOTE_EVERY = 16;
/** Pause after the broker refused a message, so that a missing right does not make a loop. */
const REFUSED_PAUSE_MS = 30_000;

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
  let durableSeq = 0;
  let publish: Publish | null = null;
  /** Counts the links: an answer over an older one does not count. */
  let link = 0;
  /** Highest number sent over the present link. */
  let cursor = 0;
  /** What had piled up when the link came. */
  let piledUpSeq = 0;
  /** Last states the broker had from an earlier link; it may have forgotten them. */
  let refresh: Entry[] = [];
  let cancelPause = () => {};
  let paused = false;

  const topicOf = ({ kind, config }: Entry) =>
    kind === 'evt' ? deviceTopic(root, device.id, 'evt') : deviceTopic(root, device.id, kind, config);

  const pauseFor = (ms: number) => {
    paused = true;
    cancelPause = clock.after(ms, () => {
      paused = false;
      pump();
    });
  };

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
      log.say(
        'warning',
        `outbox: cannot note what was sent: ${error instanceof Error ? error.message : String(error)}`,
      );
      return;
    }
    for (const seq of acked) if (seq <= low) acked.delete(seq);
  };

  const send = (entry: Entry, fresh: boolean) => {
    if (publish === null) return;
    const over = link;
    const topic = topicOf(entry);
    inFlight.add(entry.seq);
    publish(topic, entry.text, { qos: 1, retain: TOPICS[entry.kind].retained }).then(
      (code) => {
        if (over !== link) return;
        inFlight.delete(entry.seq);
        if (code >= 128) {
          log.say('error', `outbox: the broker does not let this device publish to ${topic}`, { topic, code });
          // What follows waits too: order is kept.
          cursor = Math.min(cursor, entry.seq - 1);
          cancelPause();
          pauseFor(REFUSED_PAUSE_MS);
          return;
        }
        if (fresh) {
          acked.add(entry.seq);
          history.note(lowAcked());
        }
        if (inFlight.size === 0 || acked.size >= NOTE_EVERY) noteSent();
        if (memory.pending.size === 0) for (const wake of [...waiters]) wake();
        pump();
      },
      // The link went: everything that was under way goes out again over the next one.
      () => {},
    );
  };

  const nextFresh = (): Entry | null => {
    for (const entry of memory.pending.values()) {
      if (entry.seq > durableSeq) return null;
      if (entry.seq > cursor && !acked.has(entry.seq) && !inFlight.has(entry.seq)) return entry;
    }
    return null;
  };
  const nextRefresh = (): Entry | null => {
    for (let entry = refresh.shift(); entry !== undefined; entry = refresh.shift()) {
      const { seq } = entry;
      // A newer state of the same config has gone out, or will.
      if (memory.states().some((state) => state.seq === seq)) return entry;
    }
    return null;
  };
  const pump = () => {
    while (publish !== null && !paused && inFlight.size < WINDOW) {
      const fresh = nextFresh();
      if (fresh === null && refresh.length === 0) return;
      // What happens now goes out as fast as the window lets it; only what an outage piled up is paced.
      const paced = fresh === null || fresh.seq <= piledUpSeq;
      const waitMs = paced ? bucket.take(clock.bootMs()) : 0;
      if (waitMs > 0) {
        pauseFor(waitMs);
        return;
      }
      const entry = fresh ?? nextRefresh();
      if (entry === null) return;
      if (fresh !== null) cursor = entry.seq;
      send(entry, fresh !== null);
    }
  };

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
      pump();
    },
    start() {
      durableSeq = memory.lastSeq();
      pump();
    },
    linkUp(give) {
      link += 1;
      publish = give;
      cursor = 0;
      piledUpSeq = memory.lastSeq();
      inFlight.clear();
      refresh = memory.states().filter(({ seq }) => !memory.pending.has(seq));
      pump();
    },
    linkDown() {
      link += 1;
      publish = null;
      inFlight.clear();
      cancelPause();
      paused = false;
      noteSent();
    },
    republish(config) {
      const states = memory.states().filter((state) => config === null || state.config === config);
      const queued = new Set(refresh.map(({ seq }) => seq));
      refresh.push(...states.filter(({ seq }) => !memory.pending.has(seq) && !queued.has(seq)));
      pump();
    },
    acknowledged: history.ago,
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
