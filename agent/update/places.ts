import type { HeldUpdate, Place } from './ledger.ts';
import type { HeldRef } from './ref.ts';

/** The documents of each (config, address, layer), as the records of the ledger change them. */
export interface Places {
  /** A new document, or a renewal of the newest. */
  hold(held: HeldUpdate): void;
  /** Changes a document that is held; nothing for one that is not. */
  change(ref: HeldRef, to: (held: HeldUpdate) => HeldUpdate): void;
  /** A document that was applied while a newer one came: it stands behind that one. */
  behind(held: HeldUpdate): void;
  at(where: Omit<HeldRef, 'version'>): Place | null;
  of(config: string): readonly Place[];
  all(): readonly Place[];
  /** A document that is held; null if it is not, or for null. */
  find(ref: HeldRef | null): HeldUpdate | null;
}

/** No documents. */
export function createPlaces(): Places {
  const configs = new Map<string, Map<string, Place>>();
  const keyOf = ({ address, layer }: Pick<HeldRef, 'address' | 'layer'>) => `${layer} ${address}`;
  const at: Places['at'] = (where) => configs.get(where.config)?.get(keyOf(where)) ?? null;
  const set = (place: Place) => {
    const config = configs.get(place.config) ?? new Map<string, Place>();
    configs.set(place.config, config.set(keyOf(place), place));
  };
  return {
    hold(held) {
      const { config, address, layer, version } = held;
      const before = at(held);
      const renewed = before?.latest.version === version;
      const lastApplied = before?.latest.ended === 'applied' && !renewed ? before.latest : (before?.applied ?? null);
      // A tombstone takes back all that was said here.
      const applied = held.digest === null ? null : lastApplied;
      set({ config, address, layer, mark: Math.max(version, before?.mark ?? 0), latest: held, applied });
    },
    change(ref, to) {
      const place = at(ref);
      if (place === null) return;
      if (place.latest.version === ref.version) set({ ...place, latest: to(place.latest) });
      else if (place.applied?.version === ref.version) set({ ...place, applied: to(place.applied) });
    },
    behind(held) {
      const place = at(held);
      // A tombstone that came meanwhile took this one back as well.
      if (place !== null && place.latest.digest !== null) set({ ...place, applied: held });
    },
    at,
    of: (config) => [...(configs.get(config)?.values() ?? [])],
    all: () => [...configs.values()].flatMap((config) => [...config.values()]),
    find(ref) {
      const place = ref === null ? null : at(ref);
      return [place?.latest, place?.applied].find((held) => held?.version === ref?.version) ?? null;
    },
  };
}
