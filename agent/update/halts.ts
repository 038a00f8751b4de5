import type { JournalMemory, JournalRecord } from '../ports/journal.ts';
import type { ClockTrust } from '../values/report.ts';
import type { Address } from '../values/topics.ts';
import type { HeldUpdate } from './ledger.ts';

/** A halt or its lifting as it is kept. Times are epoch seconds. */
export interface HeldHalt {
  readonly id: string;
  readonly address: Address;
  readonly version: number;
  /** SHA-256 of the signed form, hex. */
  readonly hash: string;
  /** Id of the key that signed it. */
  readonly kid: string;
  readonly exp: number | null;
  readonly rollout: string | null;
  readonly configs: readonly string[] | null;
  readonly lift: boolean;
  readonly note: string | null;
  /** Its `exp` has passed, and that was told. */
  readonly over: boolean;
}

/** The halts of a device: the newest of each address and key, so that without one key the others' still stand. */
export interface Halts extends JournalMemory {
  /** The newest for an address, whether it holds anything or not. */
  newest(address: Address): HeldHalt | null;
  /** Those that hold something now. */
  inForce(addresses: readonly Address[]): readonly HeldHalt[];
  /** True if this very document was taken before. */
  knows(hash: string): boolean;
}

/** The record of a halt that was taken. */
export const haltRecord = (halt: HeldHalt): JournalRecord => ({ t: 'halt', halt });
/** The time of a halt is over. */
export const haltOverRecord = ({ address, kid }: HeldHalt): JournalRecord => ({ t: 'halt-over', address, kid });
/** These keys count no more: their halts, and what they lifted, are as if they had never been. */
export const haltsRevokedRecord = (kids: readonly string[]): JournalRecord => ({ t: 'halts-revoked', kids });

type Stored =
  | { t: 'halt'; halt: HeldHalt }
  | { t: 'halt-over'; address: Address; kid: string }
  | { t: 'halts-revoked'; kids: readonly string[] };
const TYPES = ['halt', 'halt-over', 'halts-revoked'] as const;

/** Records of this room were written by this room and carry a check: their type is all that is looked at. */
function isStored(record: JournalRecord): record is JournalRecord & Stored {
  return TYPES.some((type) => type === record.t);
}

/** Has its time passed? Only a clock that can be trusted ends a halt. Pure. */
export function isOver(
  halt: HeldHalt,
  { nowS, clock }: { readonly nowS: number; readonly clock: ClockTrust },
): boolean {
  return halt.over || (halt.exp !== null && clock === 'ok' && nowS >= halt.exp);
}

/** Does it hold this update? By its roll-out, else by its configs, else whatever it is. Pure. */
export function holds(halt: HeldHalt, update: Pick<HeldUpdate, 'rollout' | 'config'>): boolean {
  if (halt.rollout !== null) return update.rollout === halt.rollout;
  return halt.configs === null || halt.configs.includes(update.config);
}

/** Makes an empty memory; the journal folds its records in. */
export function createHalts(): Halts {
  const all = new Map<string, HeldHalt>();
  const keyOf = ({ address, kid }: Pick<HeldHalt, 'address' | 'kid'>) => JSON.stringify([address, kid]);
  const newest: Halts['newest'] = (address) =>
    [...all.values()]
      .filter((halt) => halt.address === address)
      .reduce<HeldHalt | null>((best, halt) => (best === null || halt.version > best.version ? halt : best), null);
  return {
    types: TYPES,
    fold(record) {
      if (!isStored(record)) return;
      switch (record.t) {
        case 'halt':
          all.set(keyOf(record.halt), record.halt);
          break;
        case 'halt-over': {
          const halt = all.get(keyOf(record));
          if (halt !== undefined) all.set(keyOf(record), { ...halt, over: true });
          break;
        }
        case 'halts-revoked':
          for (const [key, { kid }] of all) if (record.kids.includes(kid)) all.delete(key);
          break;
      }
    },
    snapshot: () => [...all.values()].map(haltRecord),
    newest,
    inForce: (addresses) =>
      addresses.flatMap((address) => {
        const halt = newest(address);
        return halt === null || halt.lift || halt.over ? [] : [halt];
      }),
    knows: (hash) => [...all.values()].some((halt) => halt.hash === hash),
  };
}
