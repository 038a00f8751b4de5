import { CODES } from '../values/errors.ts';
import { VERDICTS } from '../values/lock.ts';
import { EVENTS } from '../values/report.ts';
import { LAYERS } from '../values/topics.ts';

/** The year 9999: later times do not fit RFC 3339. */
const TIME_MAX_S = 253_402_300_799;

/** What a device, group or config may be called. */
export const NAME_SCHEMA = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } as const;
/** The id of a signed document. */
export const ID_SCHEMA = { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,64}$' } as const;
/** Who is meant. */
export const ADDRESS_SCHEMA = {
  type: 'string',
  pattern: '^(all|(dev|grp)/[A-Za-z0-9_-]{1,64})$',
} as const;
/** SHA-256 as it is written everywhere. */
export const DIGEST_SCHEMA = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } as const;
/** An instant in what a device says: RFC 3339, UTC, milliseconds. */
export const AT_SCHEMA = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
  description: 'RFC 3339 UTC',
} as const;
/** An instant in what is signed. */
export const EPOCH_SCHEMA = {
  type: 'integer',
  minimum: 1,
  maximum: TIME_MAX_S,
  description: 'epoch seconds',
} as const;
/** What is counted. */
export const COUNT_SCHEMA = { type: 'integer', minimum: 0 } as const;
/** A version of a document. */
export const VERSION_SCHEMA = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } as const;
/** The layer of a document. */
export const LAYER_SCHEMA = { enum: LAYERS } as const;

/** Marks a list of words that may grow: published as examples, so that a reader who checks does not break on a new one. */
export const GROWS = 'more words may come';
/** Why something was refused or failed. */
export const CODE_SCHEMA = { enum: Object.keys(CODES), $comment: GROWS } as const;
/** What an event is called. */
export const EVENT_SCHEMA = { enum: EVENTS, $comment: GROWS } as const;
/** The boot id of the kernel. */
export const BOOT_SCHEMA = { type: 'string', minLength: 1, description: "the kernel's boot id" } as const;
/** Whether the device can trust its clock. */
export const CLOCK_SCHEMA = { enum: ['ok', 'untrusted'] } as const;

/** What every numbered record carries. */
export const STAMP_SCHEMA = {
  seq: { type: 'integer', minimum: 1, description: 'per device, without gaps, never falls' },
  boot: BOOT_SCHEMA,
  at: AT_SCHEMA,
  clock: CLOCK_SCHEMA,
} as const;
/** The names of {@link STAMP_SCHEMA}. */
export const STAMPED = ['seq', 'boot', 'at', 'clock'] as const;
/** What is measured. */
export const NUMBER = { type: 'number' } as const;
/** A lock in the heartbeat. */
export const LOCK_BRIEF = {
  type: 'object',
  properties: { state: { enum: ['COLD', 'HOT'] }, verdict: { enum: [...VERDICTS, null] }, token: COUNT_SCHEMA },
  required: ['state', 'verdict', 'token'],
  additionalProperties: false,
} as const;
