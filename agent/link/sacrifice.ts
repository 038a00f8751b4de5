import type { JournalRecord } from '../ports/journal.ts';
import type { Saying } from '../ports/outbox.ts';
import type { EventBody } from '../values/report.ts';
import { type Entry, shedRecord } from './outbox-memory.ts';

/** How much may wait in the outbox. */
export interface OutboxBounds {
  readonly maxCount: number;
  readonly maxBytes: number;
}

/** What goes so that the rest fits. */
export interface Sacrifice {
  /** Numbers that will never be sent, growing. */
  readonly drop: readonly number[];
  /** For events that now stand for others of their kind: number → how many. */
  readonly counts: ReadonlyMap<number, number>;
  /** Events of {@link Sacrifice.drop} that no other stands for. */
  readonly lost: number;
}

/** After a sacrifice this part of the bound is free again, so that not every further message costs another. */
const FREED_PART = 0.1;

/** True if `entries` are more than may wait. */
export function overBounds(count: number, bytes: number, bounds: OutboxBounds): boolean {
  return count > bounds.maxCount || bytes > bounds.maxBytes;
}

/** Events that say the same; null where one must stand for itself. Ends of different documents are never alike. */
function likeness(body: Readonly<Record<string, unknown>>): string {
  const { event, config, code, layer, address, mismatch, final, update, version, command } = body;
  return JSON.stringify([
    event,
    config,
    code,
    layer,
    address,
    mismatch,
    ...(final === true ? [update, version, command] : []),
  ]);
}

/**
 * Chooses what to give up, in this order and no further than needed: states that a later one replaced, events that a later one
 * can stand for, the oldest events that are no outcome, the oldest events. The last state of a config stays. Pure.
 * `entries` in the order of their numbers; `fixed` is what waits besides them and cannot be given up.
 */
export function sacrifice(
  entries: readonly Entry[],
  bounds: OutboxBounds,
  fixed: { readonly count: number; readonly bytes: number },
): Sacrifice {
  const dropped = new Set<number>();
  const counts = new Map<number, number>();
  let { count, bytes } = fixed;
  for (const entry of entries) {
    count += 1;
    bytes += entry.text.length;
  }
  const drop = (entry: Entry) => {
    dropped.add(entry.seq);
    counts.delete(entry.seq);
    count -= 1;
    bytes -= entry.text.length;
  };

  const lastState = new Map<string, Entry>();
  for (const entry of entries) {
    if (entry.kind === 'evt') continue;
    const key = `${entry.kind}/${entry.config}`;
    const older = lastState.get(key);
    if (older !== undefined) drop(older);
    lastState.set(key, entry);
  }

  if (overBounds(count, bytes, bounds)) {
    const lastLike = new Map<string, { readonly entry: Entry; readonly count: number }>();
    for (const entry of entries) {
      if (entry.kind !== 'evt') continue;
      const body: Readonly<Record<string, unknown>> = JSON.parse(entry.text);
      const key = likeness(body);
      const like = lastLike.get(key);
      const total = (like?.count ?? 0) + (typeof body.count === 'number' ? body.count : 1);
      if (like !== undefined) {
        drop(like.entry);
        counts.set(entry.seq, total);
      }
      lastLike.set(key, { entry, count: total });
    }
  }

  let lost = 0;
  if (overBounds(count, bytes, bounds)) {
    const goalCount = bounds.maxCount * (1 - FREED_PART);
    const goalBytes = bounds.maxBytes * (1 - FREED_PART);
    const left = entries.filter((entry) => entry.kind === 'evt' && !dropped.has(entry.seq));
    const outcome = (entry: Entry) => entry.text.includes('"final":true');
    for (const entry of [...left.filter((one) => !outcome(one)), ...left.filter(outcome)]) {
      if (count <= goalCount && bytes <= goalBytes) break;
      lost += counts.get(entry.seq) ?? 1;
      drop(entry);
    }
  }
  return { drop: [...dropped].sort((a, b) => a - b), counts, lost };
}

/**
 * Makes room: what is given up of `waiting` (but nothing that is `under` way), and one event that says which numbers will be missed
 * and stands for an earlier such one. Pure.
 */
export function giveUp(
  waiting: readonly Entry[],
  under: (entry: Entry) => boolean,
  bounds: OutboxBounds,
): { readonly saying: Saying | null; readonly shed: JournalRecord } {
  const earlier = waiting.filter((entry) => !under(entry) && isDropped(entry));
  const held = waiting.filter(under);
  const found = sacrifice(
    waiting.filter((entry) => !under(entry) && !isDropped(entry)),
    bounds,
    { count: held.length, bytes: held.reduce((sum, { text }) => sum + text.length, 0) },
  );
  const drop = [...found.drop, ...earlier.map(({ seq }) => seq)].sort((a, b) => a - b);
  const shed = shedRecord(drop, found.counts);
  const [first] = drop;
  const last = drop.at(-1);
  if (first === undefined || last === undefined) return { saying: null, shed };
  const before = earlier.map(({ text }): { from_seq: number; count: number } => JSON.parse(text));
  const body: EventBody = {
    event: 'dropped',
    from_seq: Math.min(first, ...before.map(({ from_seq }) => from_seq)),
    to_seq: last,
    count: before.reduce((sum, { count }) => sum + count, found.lost),
    reason: 'the outbox was full: of these numbers only what was not replaced or merged will come',
  };
  return { saying: { kind: 'evt', body }, shed };
}

function isDropped({ kind, text }: Entry): boolean {
  return kind === 'evt' && text.includes('"event":"dropped"');
}
