import { type Code, type Refusal, refuse } from './errors.ts';
import { harmless, printable } from './printable.ts';
import { type Address, parseAddress } from './topics.ts';
import { NAME } from './units.ts';

/** The members of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

const ID = /^[A-Za-z0-9._:-]{1,64}$/;
/** The year 9999: later times do not fit RFC 3339. */
const TIME_MAX_S = 253_402_300_799;
/** Longest name of an unknown member that a refusal repeats. */
const STRANGE_MAX_CHARS = 64;

/** A refusal on its way up from the place where it was found; never leaves {@link readOrRefuse}. */
class Wrong extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

/** Runs a reader made of the functions below; what they find wrong comes back as a value. */
export function readOrRefuse<T>(read: () => T): T | Refusal {
  try {
    return read();
  } catch (error) {
    if (error instanceof Wrong) return error.refusal;
    throw error;
  }
}

/** Ends the reading with a refusal; `reason` starts with the path in the document. */
export function wrong(code: Code, reason: string): never {
  throw new Wrong(refuse(code, reason));
}

/** Ends the reading: what is at this path is not what the format asks for. */
export function malformed(at: string, why: string): never {
  return wrong('malformed', `${at}: ${why}`);
}

/** True for a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON object at this path. */
export function asFields(value: unknown, at: string): Fields {
  return isFields(value) ? value : malformed(at, 'expected an object');
}

/** A document of version 1 of the format: the only one there is. */
export function asVersionOne(payload: unknown): Fields {
  const fields = asFields(payload, 'document');
  if (typeof fields.v !== 'number') return malformed('v', 'expected 1');
  return fields.v === 1 ? fields : wrong('unsupported-format', `v: ${fields.v}, this agent reads 1`);
}

/** No members but these; `what` they are a field of, `prefix` the path of the object with its dot. */
export function checkKeys(fields: Fields, known: readonly string[], what: string, prefix = ''): void {
  const strange = Object.keys(fields).find((key) => !known.includes(key));
  if (strange === undefined) return;
  wrong('unknown-field', `${prefix}${printable(strange, STRANGE_MAX_CHARS)}: not a field of ${what}`);
}

/** All of these members. */
export function checkNeeded(fields: Fields, needed: readonly string[]): void {
  for (const key of needed) if (!Object.hasOwn(fields, key)) malformed(key, 'is missing');
}

/** True for what may be the id of a document. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

/** The id of a document. */
export function asId(value: unknown, at: string): string {
  return isId(value) ? value : malformed(at, 'expected an id of 1 to 64 letters, digits, `.`, `_`, `:` or `-`');
}

/** The name of a device, group, config or roll-out. */
export function asName(value: unknown, at: string): string {
  return typeof value === 'string' && NAME.test(value) ? value : malformed(at, 'expected a name');
}

/** Who a document is for. */
export function asAddress(value: unknown, at: string): Address {
  const address = typeof value === 'string' ? parseAddress(value) : null;
  return address ?? malformed(at, 'expected dev/ID, grp/GROUP or all');
}

/** A whole number in these bounds, both included. */
export function asWhole(value: unknown, at: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const upTo = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`;
  return malformed(at, `expected a whole number from ${min}${upTo}`);
}

/** A time in epoch seconds. */
export function asTime(value: unknown, at: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= TIME_MAX_S) return value;
  return malformed(at, 'expected epoch seconds');
}

/** `true`, the only value of a flag that is there. */
export function asTrue(value: unknown, at: string): true {
  return value === true ? true : malformed(at, 'expected true, or nothing');
}

/** Words for a log: not empty, and nothing in them that could move a cursor. */
export function asWords(value: unknown, at: string, maxChars: number): string {
  if (typeof value === 'string' && /\S/.test(value) && harmless(value, maxChars) === value) return value;
  return malformed(at, `expected words, at most ${maxChars} characters`);
}

/** A text of at most so many characters, whatever they are. */
export function asText(value: unknown, at: string, maxChars: number): string {
  if (typeof value !== 'string') return malformed(at, 'expected a text');
  return value.length > maxChars ? malformed(at, `longer than ${maxChars} characters`) : value;
}
