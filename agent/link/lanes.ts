import type { JournalRecord } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Clock } from '../ports/world.ts';
import { type Lane, type LaneCounts, NO_LANES } from '../values/lanes.ts';
import { deviceTopic, TOPICS } from '../values/topics.ts';
import { openBelt } from './belt.ts';
import {
  addLanes,
  bootRecord,
  coarserRecord,
  gotRecord,
  type Kept,
  keptRecord,
  type LaneMemory,
  lostRecord,
  nowRecord,
  toldRecord,
} from './lane-memory.ts';
import { type LaneBounds, sacrificeLanes } from './lane-sacrifice.ts';
import { packetBytes } from './meter.ts';
import { type Pace, tokenBucket } from './pace.ts';
import type { Publish } from './session.ts';
import { openUnproven } from './unproven.ts';

/** How fast what an outage piled up goes out. Effect: an hour's worth in about a minute, and a fleet that comes back together is no flood. */
const PACE: Pace = { perSecond: 25, burst: 25 };
/** Acknowledgements noted together while more are under way. Effect: at most this many more are sent again after a crash. */
const NOTE_EVERY = 16;
/** Records come first: while more than this many of them wait, nothing else goes. */
const RECORDS_FIRST = 8;
/** How soon it is looked again whether the records are through. */
const RECORDS_PAUSE_MS = 250;

/** What the lanes are made of. */
export interface LanesInput {
  readonly device: { readonly id: string };
  /** First level of every topic. */
  readonly root: string;
  readonly memory: LaneMemory;
  /** Makes records survive a kill at once, a power cut later; on a full disk they are remembered in RAM alone. Never throws. */
  keep(records: readonly JournalRecord[]): void;
  readonly clock: Clock;
  readonly log: Log;
  readonly bounds: LaneBounds;
  readonly pace?: Pace;
  /** A track that says less; null if it cannot. */
  coarser(text: string): string | null;
  /** How many records of the outbox wait. */
  records(): number;
}

/** Heartbeats, positions and tracks on their way to the fleet. */
export interface Lanes {
  /**
   * Says it: a heartbeat or a position at once if the link is there, before whatever waits; else it is kept, and goes in its turn.
   * `more` is remembered in the same write.
   */
  say(lane: Lane, body: object, more?: readonly JournalRecord[]): void;
  /** `queued`: how many bytes that were written have not got through yet. */
  linkUp(publish: Publish, queued?: () => number): void;
  linkDown(): void;
  /** Whatever was written to the link more than `agoMs` ago has arrived: the broker answered to something that came after it. */
  answered(agoMs: number): void;
  backlog(): { readonly count: number; readonly bytes: number };
  /** Given up since the agent started. */
  lost(): LaneCounts;
  /** Given up and not reported yet; null if nothing. {@link Lanes.told} follows when it has been reported. */
  untold(): LaneCounts | null;
  told(counts: LaneCounts): void;
  /** Resolves when nothing waits any more, or after `withinMs`. */
  drained(withinMs: number): Promise<void>;
  /** Looks whether something has become too old. */
  settle(): void;
}

/** Makes the lanes over their memory, which has been replayed. */
export function openLanes(input: LanesInput): Lanes {
  const { memory, keep, clock, root, device } = input;
  const bucket = tokenBucket(input.pace ?? PACE, clock.bootMs());
  const under = new Map<number, number>();
  const got = new Set<number>();
  let publish: Publish | null = null;
  let queuedBytes = () => 0;
  let piledUpN = 0;
  let sinceStart = NO_LANES;
  const waiters = new Set<() => void>();
  const wakeIfEmpty = () => {
    if (memory.waiting.size === 0) for (const wake of [...waiters]) wake();
  };

  const topicOf = (lane: Lane) => deviceTopic(root, device.id, lane);
  const noteGot = () => {
    if (got.size === 0) return;
    keep([gotRecord([...got])]);
    got.clear();
  };
  /** What is kept of the unproven waits for the end of the link, if it has one. */
  const unproven = openUnproven(
    clock,
    () => queuedBytes(),
    (one) => {
      // Before it is kept: what is on its way is no sacrifice.
      one.n = memory.lastN() + 1;
      put(one.lane, one.body, []);
    },
  );
  /** How the device was last, as far as that waits; it goes before all else. */
  const newest = new Map<Lane, number>();
  /** From now on what is older than `n` is of the past: it is no longer how the device is. */
  const isNow = (lane: Lane, n: number) => {
    if (n > memory.now(lane)) keep([nowRecord(lane, n)]);
  };
  const waits = ({ n }: Kept) => !under.has(n) && !got.has(n) && !unproven.has(n);
  const belt = openBelt<Kept>({
    clock,
    log: input.log,
    next() {
      for (const n of newest.values()) {
        const kept = memory.waiting.get(n);
        if (kept !== undefined && waits(kept)) return kept;
      }
      for (const kept of memory.waiting.values()) if (waits(kept)) return kept;
      return null;
    },
    waitMs({ n, lane }) {
      if (newest.get(lane) === n) return 0;
      if (input.records() > RECORDS_FIRST) return RECORDS_PAUSE_MS;
      return n <= piledUpN ? bucket.take(clock.bootMs()) : 0;
    },
    message: ({ n, lane, text }) => ({
      topic: topicOf(lane),
      text,
      retain: TOPICS[lane].retained && newest.get(lane) === n,
    }),
    sent: ({ n, text }) => void under.set(n, text.length),
    had({ n }) {
      under.delete(n);
      got.add(n);
      if (belt.under() === 0 || got.size >= NOTE_EVERY) noteGot();
      wakeIfEmpty();
    },
    refused: ({ n }) => void under.delete(n),
  });

  const settle = () => {
    const free = [...memory.waiting.values()].filter(waits);
    const underBytes = [...under.values()].reduce((sum, bytes) => sum + bytes, 0);
    const { drop, lost, coarser } = sacrificeLanes(free, underBytes, clock.bootMs(), input.bounds, input.coarser);
    const less = [...coarser].map(([n, text]) => coarserRecord(n, JSON.parse(text)));
    if (drop.length > 0) sinceStart = addLanes(sinceStart, lost);
    if (drop.length + less.length > 0) keep([...less, ...(drop.length > 0 ? [lostRecord(drop, lost)] : [])]);
  };
  const put = (lane: Lane, body: object, more: readonly JournalRecord[]) => {
    keep([keptRecord(memory.lastN() + 1, lane, clock.bootMs(), body), ...more]);
    if (memory.bytes() > input.bounds.maxBytes) settle();
  };

  /** What of each lane is newer than anything that was said of it. */
  const findNewest = () => {
    newest.clear();
    for (const { lane, n } of memory.waiting.values()) {
      if (TOPICS[lane].qos === 0 && n >= memory.now(lane)) newest.set(lane, n);
    }
    for (const [lane, n] of newest) isNow(lane, n);
  };

  keep([bootRecord(clock.bootId)]);
  return {
    say(lane, body, more = []) {
      if (publish === null || TOPICS[lane].qos !== 0) {
        put(lane, body, more);
        belt.pump();
        return;
      }
      if (more.length > 0) keep(more);
      newest.delete(lane);
      if (memory.waitingIn(lane) > unproven.keptIn(lane)) isNow(lane, memory.lastN() + 1);
      const [topic, text] = [topicOf(lane), JSON.stringify(body)];
      unproven.add(lane, body, packetBytes(topic, text, 0));
      // An end of the link is told by itself, and then what has not arrived is kept.
      publish(topic, text, { qos: 0, retain: TOPICS[lane].retained }).catch(() => {});
    },
    linkUp(give, queued = () => 0) {
      publish = give;
      queuedBytes = queued;
      piledUpN = memory.lastN();
      under.clear();
      settle();
      findNewest();
      belt.up(give);
      belt.pump();
    },
    linkDown() {
      publish = null;
      belt.down();
      under.clear();
      noteGot();
      const again = unproven.end();
      const before = memory.lastN();
      const records = again.map(({ lane, body }, n) => keptRecord(before + n + 1, lane, clock.bootMs(), body));
      // All of it anew, so that it stays in its order.
      const kept = again.flatMap(({ n }) => n ?? []);
      if (records.length > 0) keep([...records, ...(kept.length > 0 ? [gotRecord(kept)] : [])]);
      if (memory.bytes() > input.bounds.maxBytes) settle();
    },
    answered(agoMs) {
      const kept = unproven.answered(agoMs);
      if (kept.length > 0) keep([gotRecord(kept)]);
      wakeIfEmpty();
    },
    backlog: () => ({ count: memory.waiting.size, bytes: memory.bytes() }),
    lost: () => sinceStart,
    untold: () => (Object.values(memory.lost()).some((count) => count > 0) ? memory.lost() : null),
    told: (counts) => keep([toldRecord(counts)]),
    drained: (withinMs) =>
      new Promise((resolve) => {
        const done = () => {
          waiters.delete(done);
          cancel();
          resolve();
        };
        const cancel = clock.after(withinMs, done);
        waiters.add(done);
        if (memory.waiting.size === 0) done();
      }),
    settle,
  };
}
