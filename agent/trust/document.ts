import type { Refusal } from '../values/errors.ts';
import {
  asAddress,
  asText,
  asVersionOne,
  asWhole,
  checkKeys,
  malformed,
  readOrRefuse,
  wrong,
} from '../values/fields.ts';
import { printable } from '../values/printable.ts';
import type { Address } from '../values/topics.ts';
import { type KeyRing, readRing, type TrustKey } from './keys.ts';

/** What a trust document says: which keys count from now on, whatever counted before. */
export interface TrustDocument {
  readonly version: number;
  /** The address it is for; null: any. */
  readonly aud: Address | null;
  readonly ring: KeyRing;
  /** Words for people. */
  readonly note: string | null;
}

const MEMBERS = ['v', 'version', 'keys', 'aud', 'note'];
const NOTE_MAX_CHARS = 1024;
/** Most keys in a document: far more than a fleet has, few enough to be looked through in no time. */
const KEYS_MAX = 64;

/** Longest path of a fault in a key that a refusal repeats. */
const WHERE_MAX_CHARS = 128;

/** Reads the payload of a trust document. Pure; the reason of a refusal starts with the path in the document. */
export function parseTrust(payload: unknown): TrustDocument | Refusal {
  return readOrRefuse(() => readTrust(payload));
}

function readTrust(payload: unknown): TrustDocument {
  const fields = asVersionOne(payload);
  checkKeys(fields, MEMBERS, 'a trust document');
  const { keys, aud, note } = fields;
  const version = asWhole(fields.version, 'version', 1);
  if (!Array.isArray(keys) || keys.length > KEYS_MAX) return malformed('keys', `expected at most ${KEYS_MAX} keys`);
  return {
    version,
    aud: aud === undefined ? null : asAddress(aud, 'aud'),
    note: note === undefined ? null : asText(note, 'note', NOTE_MAX_CHARS),
    ring: readRing(keys, (where, why, unknown) =>
      wrong(unknown === undefined ? 'malformed' : 'unknown-field', `${printable(where, WHERE_MAX_CHARS)}: ${why}`),
    ),
  };
}

/** The root keys of a ring. */
export function rootsOf(ring: KeyRing): readonly TrustKey[] {
  return ring.keys.filter(({ role }) => role === 'root');
}
