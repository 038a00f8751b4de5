import type { ClockTrust } from '../values/report.ts';
import type { Address, Layer } from '../values/topics.ts';
import type { HeldUpdate, Place } from './ledger.ts';

/** The time as the resolver sees it. */
export interface ResolveTime {
  /** Epoch seconds. */
  readonly nowS: number;
  readonly clock: ClockTrust;
  /** Seconds this device has been powered, over all boots. */
  readonly poweredS: number;
}

/** What should be on disk: a document, or what was there before Locksmith. */
export interface Resolution {
  readonly effective: HeldUpdate | null;
  /** Open documents that would be effective if the ones above them were not there. */
  readonly covered: readonly HeldUpdate[];
}

/** Has this shadow's life ended? A trusted clock past `until`, or powered for `until − iat` since it was applied. Pure. */
export function hasFallenOff(held: HeldUpdate, time: ResolveTime): boolean {
  if (held.until === null) return false;
  if (time.clock === 'ok' && time.nowS >= held.until) return true;
  return held.appliedPoweredS !== null && time.poweredS - held.appliedPoweredS >= held.until - held.iat;
}

/** Has the time in which an open document could be applied ended? One that was covered once never expires. Pure. */
export function hasExpired(held: HeldUpdate, time: ResolveTime): boolean {
  return held.ended === null && !held.covered && held.exp !== null && time.clock === 'ok' && time.nowS >= held.exp;
}

/** The document that speaks for a place: the newest unless it ended badly or is `out`, then the last applied one; null for none. */
function candidate(place: Place, time: ResolveTime, out: (held: HeldUpdate) => boolean): HeldUpdate | null {
  const { latest, applied } = place;
  if (latest.digest === null) return null;
  const sound = (held: HeldUpdate | null) =>
    held !== null && (held.ended === null || held.ended === 'applied') && !out(held);
  const speaks = sound(latest) ? latest : sound(applied) ? applied : null;
  return speaks === null || hasFallenOff(speaks, time) ? null : speaks;
}

/**
 * The effective document of a config, first match: shadow, then base; in each the device itself, its groups in order, all.
 * Pure; documents for addresses that are not the device's are out, and so are those that `out` names.
 */
export function resolve(
  places: readonly Place[],
  addresses: readonly Address[],
  time: ResolveTime,
  out: (held: HeldUpdate) => boolean = () => false,
): Resolution {
  const layers: readonly Layer[] = ['shadow', 'base'];
  const ordered = layers.flatMap((layer) =>
    addresses.flatMap((address) => places.filter((place) => place.layer === layer && place.address === address)),
  );
  const speaking = ordered.flatMap((place) => {
    const held = candidate(place, time, out);
    return held === null ? [] : [held];
  });
  const [effective, ...below] = speaking;
  return { effective: effective ?? null, covered: below.filter((held) => held.ended === null) };
}

/** Epoch seconds of the next moment at which time alone changes the resolution; null if none is known. */
export function nextTurnS(places: readonly Place[], time: ResolveTime): number | null {
  const turns = places.flatMap(({ latest, applied }) =>
    [latest, ...(applied === null ? [] : [applied])].flatMap((held) => [
      ...(held.until === null ? [] : [held.until]),
      ...(held.until !== null && held.appliedPoweredS !== null
        ? [time.nowS + held.appliedPoweredS + held.until - held.iat - time.poweredS]
        : []),
      ...(held.exp === null || held.ended !== null ? [] : [held.exp]),
    ]),
  );
  const ahead = turns.filter((turn) => turn > time.nowS);
  return ahead.length === 0 ? null : Math.min(...ahead);
}
