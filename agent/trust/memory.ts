import type { JournalMemory, JournalRecord } from '../ports/journal.ts';
import type { KeyRing } from './keys.ts';

/** A key that counted: what tells whether it still does. */
export interface CountedKey {
  readonly kid: string;
  readonly x: string;
  readonly role: 'root' | 'push';
}

/** What the device remembers of its keys: the highest version of a trust document, and the keys that everything held was judged by. */
export interface TrustMemory extends JournalMemory {
  /** 0: none was ever taken. */
  version(): number;
  /** Digest of its payload. */
  hash(): string | null;
  /** Null: nothing was ever judged. */
  counted(): readonly CountedKey[] | null;
}

type Stored = { t: 'trust'; version: number; hash: string | null; keys: readonly CountedKey[] };
const TYPES = ['trust'] as const;

/** Records of this room were written by this room and carry a check: their type is all that is looked at. */
function isStored(record: JournalRecord): record is JournalRecord & Stored {
  return record.t === 'trust';
}

/** The record that these keys count from now on; version and digest are of the highest trust document ever taken. */
export function trustRecord(version: number, hash: string | null, ring: KeyRing): JournalRecord {
  return { t: 'trust', version, hash, keys: ring.keys.map(({ kid, x, role }) => ({ kid, x, role })) };
}

/** Makes an empty memory; the journal folds its records in. */
export function createTrustMemory(): TrustMemory {
  let last: Stored | null = null;
  return {
    types: TYPES,
    fold(record) {
      if (isStored(record)) last = record;
    },
    snapshot: () => (last === null ? [] : [{ ...last }]),
    version: () => last?.version ?? 0,
    hash: () => last?.hash ?? null,
    counted: () => last?.keys ?? null,
  };
}

/** Ids of the push keys that counted and do not any more: gone, of another public key, or turned into something else. Pure. */
export function revokedBy(counted: readonly CountedKey[], ring: KeyRing): readonly string[] {
  return counted
    .filter(({ kid, x, role }) => {
      const now = ring.find(kid);
      return role === 'push' && (now === null || now.x !== x || now.role !== 'push');
    })
    .map(({ kid }) => kid);
}

/** What has changed between two sets of keys, in words; null if nothing has. Pure. */
export function sayChange(counted: readonly CountedKey[], ring: KeyRing): string | null {
  const same = (a: CountedKey, b: CountedKey) => a.kid === b.kid && a.x === b.x && a.role === b.role;
  const name = ({ kid, role }: CountedKey) => (role === 'root' ? `${kid} (root)` : kid);
  const added = ring.keys.filter((key) => !counted.some((one) => same(one, key))).map(name);
  const gone = counted.filter((key) => !ring.keys.some((one) => same(one, key))).map(name);
  const parts = [
    ...(added.length === 0 ? [] : [`new ${added.join(', ')}`]),
    ...(gone.length === 0 ? [] : [`revoked ${gone.join(', ')}`]),
  ];
  return parts.length === 0 ? null : parts.join('; ');
}
