import type { JournalMemory, JournalRecord } from '../ports/journal.ts';
import { isLane, LANES, type Lane, type LaneCounts, NO_LANES } from '../values/lanes.ts';

/** One message that waits. */
export interface Kept {
  /** Grows with each message that is kept. */
  readonly n: number;
  readonly lane: Lane;
  /** Its payload as it goes out. */
  readonly text: string;
  /** Boot-time clock when it was said; 0 for one of an earlier boot, so its age counts from then on. */
  readonly bootMs: number;
}

/** Characters of the tracks that are kept after the broker has them, for `locksmith track`: some fifteen hours of flight. */
const SENT_TRACKS_MAX = 512 * 1024;

/** What waits of heartbeats, positions and tracks. */
export interface LaneMemory extends JournalMemory {
  /** The number of the last message that was kept. */
  lastN(): number;
  /** In the order of their numbers. */
  readonly waiting: ReadonlyMap<number, Kept>;
  /** Characters of all payloads that wait. */
  bytes(): number;
  waitingIn(lane: Lane): number;
  /** What of the lane has a lower number than this is of the past. */
  now(lane: Lane): number;
  /** Tracks that are still there, sent or not, in the order of their numbers. */
  tracks(): readonly Kept[];
  /** Given up and not reported yet. */
  lost(): LaneCounts;
}

/** The record of a message that is kept. */
export function keptRecord(n: number, lane: Lane, bootMs: number, body: object): JournalRecord {
  return { t: 'lane', n, lane, ms: bootMs, body };
}

/** The record that these need not be sent any more: the broker has them. */
export function gotRecord(numbers: readonly number[]): JournalRecord {
  return { t: 'lane-got', ranges: rangesOf(numbers) };
}

/** The record that these were given up. */
export function lostRecord(numbers: readonly number[], lost: LaneCounts): JournalRecord {
  return { t: 'lane-lost', ranges: rangesOf(numbers), lost };
}

/** The record that so many of those that were given up have been reported. */
export function toldRecord(told: LaneCounts): JournalRecord {
  return { t: 'lane-told', told };
}

/** The record that whatever of a lane has a lower number is of the past: something newer has been said, or is about to be. */
export function nowRecord(lane: Lane, n: number): JournalRecord {
  return { t: 'lane-now', lane, n };
}

/** The record that a message now says less. */
export function coarserRecord(n: number, body: object): JournalRecord {
  return { t: 'lane-coarser', n, body };
}

/** The record that the machine has booted: times after it are of this boot. */
export function bootRecord(boot: string): JournalRecord {
  return { t: 'lane-boot', boot };
}

/** Adds up counts. Pure. */
export function addLanes(a: LaneCounts, b: LaneCounts): LaneCounts {
  return { track: a.track + b.track, position: a.position + b.position, hb: a.hb + b.hb };
}

/** What is left of counts; none falls below zero. Pure. */
function lessLanes(a: LaneCounts, b: LaneCounts): LaneCounts {
  const less = (lane: Lane) => Math.max(0, a[lane] - b[lane]);
  return { track: less('track'), position: less('position'), hb: less('hb') };
}

function rangesOf(numbers: readonly number[]): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === n - 1) last[1] = n;
    else ranges.push([n, n]);
  }
  return ranges;
}

function countsOf(value: unknown): LaneCounts {
  const of = (lane: Lane) => {
    const count: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, lane) : 0;
    return typeof count === 'number' ? count : 0;
  };
  return { track: of('track'), position: of('position'), hb: of('hb') };
}

/** Makes an empty memory. `boot`: the present boot. */
export function createLaneMemory(boot: string): LaneMemory {
  const waiting = new Map<number, Kept>();
  const counts: Record<Lane, number> = { ...NO_LANES };
  const now: Record<Lane, number> = { ...NO_LANES };
  const sent: Kept[] = [];
  let sentBytes = 0;
  let lost = NO_LANES;
  let lastN = 0;
  let bytes = 0;
  let writtenIn: unknown = null;

  const remove = (n: number, had: boolean) => {
    const kept = waiting.get(n);
    if (kept === undefined || !waiting.delete(n)) return;
    bytes -= kept.text.length;
    counts[kept.lane] -= 1;
    if (!had || kept.lane !== 'track') return;
    sent.push(kept);
    sentBytes += kept.text.length;
    while (sentBytes > SENT_TRACKS_MAX) sentBytes -= sent.shift()?.text.length ?? sentBytes;
  };
  const removeAll = (ranges: unknown, had: boolean) => {
    if (!Array.isArray(ranges)) return;
    for (const range of ranges) {
      if (!Array.isArray(range)) continue;
      const [from, to]: readonly unknown[] = range;
      if (typeof from !== 'number' || typeof to !== 'number') continue;
      lastN = Math.max(lastN, to);
      for (let n = from; n <= to; n += 1) remove(n, had);
    }
  };
  const put = (kept: Kept) => {
    remove(kept.n, false);
    waiting.set(kept.n, kept);
    bytes += kept.text.length;
    counts[kept.lane] += 1;
  };
  return {
    types: ['lane', 'lane-got', 'lane-lost', 'lane-told', 'lane-coarser', 'lane-now', 'lane-boot'],
    fold(record) {
      const { n, lane, ms, body } = record;
      switch (record.t) {
        case 'lane':
          if (typeof n !== 'number' || !isLane(lane) || typeof body !== 'object' || body === null) break;
          lastN = Math.max(lastN, n);
          put({ n, lane, text: JSON.stringify(body), bootMs: writtenIn === boot && typeof ms === 'number' ? ms : 0 });
          break;
        case 'lane-coarser': {
          const kept = typeof n === 'number' ? waiting.get(n) : undefined;
          if (kept === undefined) break;
          const text = JSON.stringify(body);
          // In its place: the order is that of the numbers.
          bytes += text.length - kept.text.length;
          waiting.set(kept.n, { ...kept, text });
          break;
        }
        case 'lane-got':
          removeAll(record.ranges, true);
          break;
        case 'lane-lost':
          removeAll(record.ranges, false);
          lost = addLanes(lost, countsOf(record.lost));
          break;
        case 'lane-told':
          // Agents before it said how many meant all.
          lost = record.told === undefined ? NO_LANES : lessLanes(lost, countsOf(record.told));
          break;
        case 'lane-now':
          if (typeof n === 'number' && isLane(lane)) now[lane] = n;
          break;
        case 'lane-boot':
          writtenIn = record.boot;
          break;
      }
    },
    snapshot: () => [
      bootRecord(boot),
      ...[...sent, ...waiting.values()].map(({ n, lane, text, bootMs }) =>
        keptRecord(n, lane, bootMs, JSON.parse(text)),
      ),
      ...LANES.flatMap((lane) => (now[lane] > 0 ? [nowRecord(lane, now[lane])] : [])),
      ...(Object.values(lost).some((count) => count > 0) ? [lostRecord([], lost)] : []),
      // The numbers go on growing, also over an empty memory.
      gotRecord([...sent.map(({ n }) => n), lastN].filter((n) => n > 0 && !waiting.has(n))),
    ],
    lastN: () => lastN,
    waiting,
    bytes: () => bytes,
    waitingIn: (lane) => counts[lane],
    now: (lane) => now[lane],
    tracks: () => [...sent, ...[...waiting.values()].filter(({ lane }) => lane === 'track')].sort((a, b) => a.n - b.n),
    lost: () => lost,
  };
}
