import type { JournalRecord } from '../ports/journal.ts';
import type { EventBody, Running } from '../values/report.ts';
import type { Generation } from './generations.ts';
import { type HeldUpdate, type Ledger, refOf } from './ledger.ts';
import { isContent, type Pin, type PinnedContent, pinnedRecord, unpinnedRecord } from './past.ts';
import { sameDocument } from './ref.ts';
import { about } from './report.ts';
import type { ConfigView } from './said.ts';
import { generationTitle, sayDocument } from './sides.ts';

/** A person's wish to go back, or to take that back. */
export interface GoBackWish {
  readonly config: string;
  /** The user who asks. */
  readonly by: string;
  readonly reason: string;
  /** True: what the fleet says counts again. */
  readonly undo: boolean;
}

/** What the line answers to it. */
export interface WentBack {
  /** `waiting`: it is done by itself, once lock and vehicle let it. */
  readonly result: 'rolled-back' | 'undone' | 'waiting' | 'nothing';
  readonly reason: string | null;
}

/** The content that runs, as a generation; null before the first move. */
function runningContent({ version, layer, address, digest }: Running, all: readonly Generation[]): Generation | null {
  const isIt = ({ why, document }: Generation) =>
    layer === null
      ? why === 'original'
      : document?.version === version && document.layer === layer && document.address === address;
  return all.findLast((one) => one.digest === digest && isIt(one)) ?? null;
}

/** What a rollback by hand would take back and put there instead; null if there is nothing to go back to. Pure. */
export function wayBack(ledger: Ledger, config: string): { readonly from: Generation; readonly to: Generation } | null {
  const running = ledger.running(config);
  const all = ledger.generations(config);
  const from = running === null ? null : runningContent(running, all);
  if (from === null) return null;
  const isGood = ({ why, outcome }: Generation) => why === 'original' || (why === 'update' && outcome === 'applied');
  // What was taken back once, under whatever version, is not gone back to.
  const isLeft = ({ digest }: Generation) => all.some((one) => one.digest === digest && one.outcome === 'rolled-back');
  const isOlder = ({ n, digest }: Generation) => n < from.n && digest !== from.digest;
  const to = all.findLast((one) => isOlder(one) && isGood(one) && (one.why === 'original' || !isLeft(one)));
  return to === undefined ? null : { from, to };
}

function contentOf({ digest, document }: Generation): PinnedContent {
  return { digest, document };
}

/** The pin of a way back. */
function pinOf(way: { readonly from: Generation; readonly to: Generation }, wish: GoBackWish, at: string): Pin {
  const { by, reason } = wish;
  return { by, reason, at, from: contentOf(way.from), to: contentOf(way.to), newer: [] };
}

/** What a wish comes to: the record and the event of it, or nothing to do. Pure. */
export function orderBack(
  ledger: Ledger,
  wish: GoBackWish,
  at: string,
):
  | { readonly kind: 'order'; readonly record: JournalRecord; readonly event: EventBody }
  | { readonly kind: 'nothing'; readonly why: string } {
  const { config, by, reason, undo } = wish;
  if (undo) {
    if (ledger.pin(config) === null) return { kind: 'nothing', why: `nobody went back with ${config}` };
    return { kind: 'order', record: unpinnedRecord(config), event: { event: 'unpinned', config, who: by, reason } };
  }
  const way = wayBack(ledger, config);
  if (way === null) return { kind: 'nothing', why: `no earlier content of ${config} is known to be good` };
  const pin = pinOf(way, wish, at);
  return { kind: 'order', record: pinnedRecord(config, pin), event: pinnedEvent(ledger, config, pin) };
}

/** That a person wants an update back which is still being proved, as an event. */
export function takenBackEvent(held: HeldUpdate, { by, reason }: GoBackWish): EventBody {
  return { event: 'waiting', ...about(held), who: by, reason: `${reason}; it is taken back before it was proved` };
}

/** What became of an update that was still being proved. Pure. */
export function answerTakenBack(proving: boolean, { running }: ConfigView): WentBack {
  return proving
    ? { result: 'waiting', reason: 'it is taken back by itself' }
    : { result: 'rolled-back', reason: sayRunning(running) };
}

function sayRunning({ layer, address, version }: Running): string {
  if (layer === null || address === null) return 'as it was before Locksmith';
  return sayDocument({ version, layer, address });
}

/** What became of it, once the line rests. Pure. */
export function answerBack(ledger: Ledger, { config, undo }: GoBackWish, { running, pending }: ConfigView): WentBack {
  if (pending !== null) {
    const reason = `it waits for ${pending.waiting_for.join(', ')}, and is done by itself`;
    return { result: 'waiting', reason };
  }
  const runs = sayRunning(running);
  const pin = ledger.pin(config);
  const done = undo || (pin !== null && pin.to.digest === running.digest);
  return { result: done ? (undo ? 'undone' : 'rolled-back') : 'waiting', reason: runs };
}

/** A content that is gone back to, as a document that was applied: it may be held no more, so its content is that of its generation. */
function asHeld(config: string, { digest, document }: PinnedContent): HeldUpdate | null {
  if (document === null) return null;
  const { id, version, layer, address, kid } = document;
  const times = { iat: 0, exp: null, until: null, appliedPoweredS: null };
  const asks = {
    expect: null,
    when: null,
    rollout: null,
    confirm: null,
    retry: false,
    ended: 'applied',
    covered: false,
  } as const;
  return {
    ...{ jws: '', hash: digest, kid, id, config, address, layer, version, digest, sameness: '' },
    ...times,
    ...asks,
  };
}

/** Did the document come after somebody went back? */
export function isNewer(pin: Pin, held: HeldUpdate): boolean {
  return pin.newer.some((one) => sameDocument(one, refOf(held)));
}

/**
 * What stands instead of the document that is wanted: the content that is pinned (null: what was there before Locksmith), unless the
 * wanted one came after it was. Undefined where nothing does. Pure.
 */
export function pinnedInstead(
  ledger: Ledger,
  config: string,
  wanted: HeldUpdate | null,
): HeldUpdate | null | undefined {
  const pin = ledger.pin(config);
  if (pin === null) return undefined;
  if (wanted !== null && isNewer(pin, wanted)) return undefined;
  return asHeld(config, pin.to);
}

/** Is a content that was put in place the pinned one? */
export function isPinned(pin: Pin, digest: string, held: HeldUpdate | null): boolean {
  const { document } = pin.to;
  if (digest !== pin.to.digest || held === null || document === null) {
    return digest === pin.to.digest && held === null && document === null;
  }
  const { version, layer, address } = held;
  return document.version === version && document.layer === layer && document.address === address;
}

function sayContent(ledger: Ledger, config: string, content: PinnedContent): string {
  const generation = ledger.generations(config).findLast((one) => isContent(one, content));
  return generation === undefined ? content.digest : generationTitle({ ...generation, outcome: 'applied' });
}

/** That somebody has gone back, as an event; it is done once the content is in place. */
function pinnedEvent(ledger: Ledger, config: string, pin: Pin): EventBody {
  const { by, reason, to, from } = pin;
  const words = `${reason}; from ${sayContent(ledger, config, from)} to ${sayContent(ledger, config, to)}`;
  return { event: 'pinned', config, who: by, digest: to.digest, reason: words };
}

/** That what was taken back is gone, as an event about its document, which had its outcome long ago. */
export function wentBackEvent(ledger: Ledger, config: string, pin: Pin, changed: boolean): EventBody {
  const { by, reason, to, from } = pin;
  const { document } = from;
  const said = document === null ? { config } : about({ config, ...document });
  const words = `${reason}; back to ${sayContent(ledger, config, to)}`;
  return { event: 'rolled-back', ...said, who: by, digest: to.digest, changed, reason: words };
}
