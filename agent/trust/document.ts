import { type Refusal, refuse } from '../values/errors.ts';
import { type Address, parseAddress } from '../values/topics.ts';
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

/** A refusal on its way up from the place where it was found; never leaves this file. */
class Wrong extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

/** Reads the payload of a trust document. Pure; the reason of a refusal starts with the path in the document. */
export function parseTrust(payload: unknown): TrustDocument | Refusal {
  try {
    return readTrust(payload);
  } catch (error) {
    if (error instanceof Wrong) return error.refusal;
    throw error;
  }
}

function readTrust(payload: unknown): TrustDocument {
  if (!isFields(payload)) return malformed('document', 'expected an object');
  const { v, version, keys, aud, note } = payload;
  if (typeof v !== 'number') return malformed('v', 'expected 1');
  if (v !== 1) throw new Wrong(refuse('unsupported-format', `v: ${v}, this agent reads 1`));
  const strange = Object.keys(payload).find((key) => !MEMBERS.includes(key));
  if (strange !== undefined) throw new Wrong(refuse('unknown-field', `${strange.slice(0, 64)}: not in the format`));
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) {
    return malformed('version', 'expected a whole number from 1');
  }
  if (!Array.isArray(keys) || keys.length > KEYS_MAX) return malformed('keys', `expected at most ${KEYS_MAX} keys`);
  const address = typeof aud === 'string' ? parseAddress(aud) : null;
  if (aud !== undefined && address === null) return malformed('aud', 'expected dev/ID, grp/GROUP or all');
  if (note !== undefined && (typeof note !== 'string' || note.length > NOTE_MAX_CHARS)) {
    return malformed('note', `expected at most ${NOTE_MAX_CHARS} characters`);
  }
  const ring = readRing(keys, (where, why, unknown) => {
    throw new Wrong(refuse(unknown === undefined ? 'malformed' : 'unknown-field', `${where}: ${why}`));
  });
  return { version, aud: address, ring, note: note ?? null };
}

function malformed(at: string, why: string): never {
  throw new Wrong(refuse('malformed', `${at}: ${why}`));
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The root keys of a ring. */
export function rootsOf(ring: KeyRing): readonly TrustKey[] {
  return ring.keys.filter(({ role }) => role === 'root');
}
