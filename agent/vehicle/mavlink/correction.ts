import { LATE_MAX_MS } from '../../values/vehicle.ts';

/** How far the vehicle is from where it is to be. */
export interface Correction<Place, Target> {
  /** It was there at this time of its own clock. */
  place(bootMs: number, place: Place): void;
  /** It was to be there at this time of its own clock. */
  target(bootMs: number, target: Target, nowMs: number): void;
  /** In metres, by the last target that was not compared in vain; null where none is fresh. */
  metres(nowMs: number): number | null;
}

/** What it is reckoned with. */
export interface CorrectionInput<Place, Target> {
  /** How long a target says something about now. */
  readonly freshMs: number;
  /** The way from one place to the other, this part of it done. */
  between(from: Place, to: Place, part: number): Place;
  /** Null: the two cannot be compared. */
  apartM(target: Target, place: Place): number | null;
}

/** A place is kept, and awaited, for so long. Effect: between two that are further apart nothing is known. Reason: one comes every second at least. */
const PLACES_MS = 2_000;

/**
 * Compares each target with where the vehicle was at the target's own time, between the places around it: the later one is awaited.
 * Reason: at 20 m/s a target and a position that are a tenth of a second apart are two metres apart, and nothing has to be corrected.
 */
export function createCorrection<Place, Target>(input: CorrectionInput<Place, Target>): Correction<Place, Target> {
  let places: readonly { readonly bootMs: number; readonly place: Place }[] = [];
  let awaiting: { readonly bootMs: number; readonly target: Target; readonly atMs: number } | null = null;
  let found: { readonly metres: number | null; readonly atMs: number } | null = null;

  const newestMs = () => places.at(-1)?.bootMs ?? Number.NEGATIVE_INFINITY;
  const placeAt = (bootMs: number): Place | null => {
    const index = places.findIndex((one) => one.bootMs >= bootMs);
    const [before, after] = [places[index - 1], places[index]];
    if (after?.bootMs === bootMs) return after.place;
    if (before === undefined || after === undefined) return null;
    return input.between(before.place, after.place, (bootMs - before.bootMs) / (after.bootMs - before.bootMs));
  };
  const compare = () => {
    const place = awaiting === null ? null : placeAt(awaiting.bootMs);
    if (awaiting === null || place === null) return;
    found = { metres: input.apartM(awaiting.target, place), atMs: awaiting.atMs };
    awaiting = null;
  };
  return {
    place(bootMs, place) {
      if (bootMs <= newestMs() && bootMs >= newestMs() - LATE_MAX_MS) return;
      // What falls further began anew.
      const kept = bootMs < newestMs() ? [] : places.filter((one) => one.bootMs >= bootMs - PLACES_MS);
      places = [...kept, { bootMs, place }];
      compare();
    },
    target(bootMs, target, nowMs) {
      // Of targets that come faster than places only one waits for the next place.
      if (awaiting !== null && awaiting.bootMs > newestMs() && nowMs - awaiting.atMs < PLACES_MS) return;
      awaiting = { bootMs, target, atMs: nowMs };
      compare();
    },
    metres: (nowMs) => (found === null || nowMs - found.atMs > input.freshMs ? null : found.metres),
  };
}
