import type { Cancel, Clock } from '../ports/world.ts';
import type { Lane } from '../values/lanes.ts';

/** The boot-time clock goes in steps of this many milliseconds: two instants may seem that much further apart than they were. */
const CLOCK_STEP_MS = 10;
/** What was sent and has not got through by then is kept. Effect: a kill in an outage that nobody has noticed yet costs at most so much. */
const NOTICE_MS = 1_000;
/** Looks for that are no closer together than this. */
const NOTICE_PAUSE_MS = 200;

/** Written to the link with QoS 0; not known yet to have arrived at the broker. */
export interface Unproven {
  readonly lane: Lane;
  readonly body: object;
  readonly bytes: number;
  readonly atMs: number;
  /** Under which number it is kept, for the case of a kill; null: it is not. */
  n: number | null;
  /** The system at the other end has it. */
  passed: boolean;
}

/** What was written to the link and has not been answered to. */
export interface UnprovenList {
  /** True if what is kept under this number is on its way. */
  has(n: number): boolean;
  /** How many of a lane are on their way and kept. */
  keptIn(lane: Lane): number;
  /** It is about to be written: so many bytes. */
  add(lane: Lane, body: object, bytes: number): void;
  /** Whatever was written more than `agoMs` ago has arrived: forgets it; the numbers under which some of it is kept. */
  answered(agoMs: number): readonly number[];
  /** The link has ended: forgets all of it, and gives it in the order in which it was written. */
  end(): readonly Unproven[];
}

/** An empty list. `queued`: how many bytes that were written have not got through yet; `keep`: keeps it, and notes under which number. */
export function openUnproven(clock: Clock, queued: () => number, keep: (one: Unproven) => void): UnprovenList {
  let list: Unproven[] = [];
  let cancelNotice: Cancel | null = null;

  /** Sees what has got through: in the order in which it was written. */
  const prove = () => {
    let left = queued();
    for (const one of list.toReversed()) {
      if (left <= 0) one.passed = true;
      left -= one.bytes;
    }
  };
  const stop = () => {
    cancelNotice?.();
    cancelNotice = null;
  };
  /** Keeps what was sent a while ago and is still on its way: who knows whether this link still is one. */
  const notice = () => {
    stop();
    prove();
    const isLate = ({ n, passed, atMs }: Unproven) => !passed && n === null && clock.bootMs() - atMs >= NOTICE_MS;
    for (const one of list) if (isLate(one)) keep(one);
    noticeLater();
  };
  const noticeLater = () => {
    const oldest = list.find(({ n, passed }) => n === null && !passed);
    if (oldest === undefined) return;
    const leftMs = oldest.atMs + NOTICE_MS - clock.bootMs();
    cancelNotice ??= clock.after(Math.max(NOTICE_PAUSE_MS, leftMs), notice, 'about');
  };
  return {
    has: (n) => list.some((one) => one.n === n),
    keptIn: (lane) => list.filter((one) => one.n !== null && one.lane === lane).length,
    add(lane, body, bytes) {
      // Before the next is on its way: what speaks every second or so saves a wake for the look.
      if (cancelNotice !== null) notice();
      list.push({ lane, body, bytes, atMs: clock.bootMs(), n: null, passed: false });
      noticeLater();
    },
    answered(agoMs) {
      const untilMs = clock.bootMs() - agoMs - CLOCK_STEP_MS;
      const kept = list.flatMap(({ n, atMs }) => (n !== null && atMs < untilMs ? [n] : []));
      list = list.filter(({ atMs }) => atMs >= untilMs);
      return kept;
    },
    end() {
      stop();
      return list.splice(0);
    },
  };
}
