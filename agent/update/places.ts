import type { HeldUpdate, Place } from './ledger.ts';
import type { HeldRef } from './ref.ts';

/** The highest version that one key has raised the mark of a place to. */
export interface Raised extends Omit<HeldRef, 'version'> {
  readonly kid: string;
  readonly version: number;
}

/** The documents of each (config, address, layer), as the records of the ledger change them. */
export interface Places {
  /** A new document, or a renewal of the newest. */
  hold(held: HeldUpdate): void;
  /** Changes a document that is held; nothing for one that is not. */
  change(ref: HeldRef, to: (held: HeldUpdate) => HeldUpdate): void;
  /** A document that was applied while a newer one came: it stands behind that one. */
  behind(held: HeldUpdate): void;
  /** What these keys signed is held no more, and the marks fall to what others have raised them to. */
  revoke(kids: readonly string[]): void;
  raise(raised: Raised): void;
  /** Who raised marks that no document held stands for. */
  raised(): readonly Raised[];
  /** The highest version seen, also where nothing is held any more; 0 if none was. */
  mark(where: Omit<HeldRef, 'version'>): number;
  at(where: Omit<HeldRef, 'version'>): Place | null;
  of(config: string): readonly Place[];
  all(): readonly Place[];
  /** A document that is held; null if it is not, or for null. */
  find(ref: HeldRef | null): HeldUpdate | null;
}

/** No documents. */
export function createPlaces(): Places {
  const configs = new Map<string, Map<string, Place>>();
  /** By place and key. */
  const marks = new Map<string, Raised>();
  const keyOf = ({ address, layer }: Pick<HeldRef, 'address' | 'layer'>) => `${layer} ${address}`;
  const at: Places['at'] = (where) => configs.get(where.config)?.get(keyOf(where)) ?? null;
  const set = (place: Place) => {
    const config = configs.get(place.config) ?? new Map<string, Place>();
    configs.set(place.config, config.set(keyOf(place), place));
  };
  const isAt = (where: Omit<HeldRef, 'version'>, raised: Raised) =>
    raised.config === where.config && raised.layer === where.layer && raised.address === where.address;
  const mark: Places['mark'] = (where) =>
    Math.max(0, ...[...marks.values()].filter((raised) => isAt(where, raised)).map(({ version }) => version));
  const raise: Places['raise'] = ({ config, address, layer, kid, version }) => {
    const key = JSON.stringify([config, layer, address, kid]);
    const before = marks.get(key)?.version ?? 0;
    marks.set(key, { config, address, layer, kid, version: Math.max(version, before) });
  };
  const all = () => [...configs.values()].flatMap((config) => [...config.values()]);
  return {
    hold(held) {
      const { config, address, layer, version } = held;
      const before = at(held);
      const renewed = before?.latest.version === version;
      const lastApplied = before?.latest.ended === 'applied' && !renewed ? before.latest : (before?.applied ?? null);
      // A tombstone takes back all that was said here.
      const applied = held.digest === null ? null : lastApplied;
      raise(held);
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
    revoke(kids) {
      for (const [key, { kid }] of marks) if (kids.includes(kid)) marks.delete(key);
      for (const place of all()) {
        const { latest, applied } = place;
        const [first, second] = [latest, applied].filter((held) => held !== null && !kids.includes(held.kid));
        if (first) set({ ...place, mark: mark(place), latest: first, applied: second ?? null });
        else configs.get(place.config)?.delete(keyOf(place));
      }
    },
    raise,
    raised: () =>
      [...marks.values()].filter((raised) => {
        const { latest, applied } = at(raised) ?? {};
        return ![latest, applied].some((held) => held?.kid === raised.kid && held.version === raised.version);
      }),
    mark,
    at,
    of: (config) => [...(configs.get(config)?.values() ?? [])],
    all,
    find(ref) {
      const place = ref === null ? null : at(ref);
      return [place?.latest, place?.applied].find((held) => held?.version === ref?.version) ?? null;
    },
  };
}
