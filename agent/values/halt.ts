import { type Refusal, refuse } from './errors.ts';
import { harmless, printable } from './printable.ts';
import { type Address, parseAddress } from './topics.ts';
import { NAME } from './units.ts';

/** The payload of a signed halt, checked for shape: updates that match wait. Times are epoch seconds. */
export interface Halt {
  readonly v: 1;
  readonly id: string;
  readonly aud: Address;
  /** Grows per address; a higher one takes the place of the one before. */
  readonly version: number;
  readonly iat: number;
  /** It ends then by itself. */
  readonly exp?: number;
  /** Holds the updates of this roll-out. */
  readonly rollout?: string;
  /** Holds the updates of these configs. */
  readonly configs?: readonly string[];
  /** It ends the halt of this address. */
  readonly lift?: true;
  /** Words for people. */
  readonly note?: string;
}

const REQUIRED = ['v', 'id', 'aud', 'version', 'iat'];
const MEMBERS = [...REQUIRED, 'exp', 'rollout', 'configs', 'lift', 'note'];
const ID = /^[A-Za-z0-9._:-]{1,64}$/;
/** The year 9999: later times do not fit RFC 3339. */
const TIME_MAX_S = 253_402_300_799;
const CONFIGS_MAX = 256;
const NOTE_MAX_CHARS = 256;

/** Reads the payload of a signed halt. Pure; the reason of a refusal starts with the path in the document. */
export function parseHalt(payload: unknown): Halt | Refusal {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    return malformed('document', 'expected an object');
  }
  const fields: Readonly<Record<string, unknown>> = { ...payload };
  const { v, id, aud, version, iat, exp, rollout, configs, lift, note } = fields;
  if (typeof v !== 'number') return malformed('v', 'expected 1');
  if (v !== 1) return refuse('unsupported-format', `v: ${v}, this agent reads 1`);
  const strange = Object.keys(fields).find((key) => !MEMBERS.includes(key));
  if (strange !== undefined) return refuse('unknown-field', `${printable(strange, 64)}: not in the format`);
  const missing = REQUIRED.find((key) => !Object.hasOwn(fields, key));
  if (missing !== undefined) return malformed(missing, 'is missing');
  if (typeof id !== 'string' || !ID.test(id)) {
    return malformed('id', 'expected an id of 1 to 64 letters, digits, `.`, `_`, `:` or `-`');
  }
  const address = typeof aud === 'string' ? parseAddress(aud) : null;
  if (address === null) return malformed('aud', 'expected dev/ID, grp/GROUP or all');
  if (!isWhole(version, Number.MAX_SAFE_INTEGER)) return malformed('version', 'expected a whole number from 1');
  if (!isWhole(iat, TIME_MAX_S)) return malformed('iat', 'expected epoch seconds');
  if (exp !== undefined && !isWhole(exp, TIME_MAX_S)) return malformed('exp', 'expected epoch seconds');
  if (rollout !== undefined && !isName(rollout)) return malformed('rollout', 'expected a name');
  if (rollout !== undefined && configs !== undefined) return malformed('configs', 'there is a rollout already');
  const named = configs === undefined ? null : readConfigs(configs);
  if (named !== null && 'kind' in named) return named;
  if (lift !== undefined && lift !== true) return malformed('lift', 'expected true, or nothing');
  if (note !== undefined && (typeof note !== 'string' || harmless(note, NOTE_MAX_CHARS) !== note)) {
    return malformed('note', `expected words, at most ${NOTE_MAX_CHARS} characters`);
  }
  return {
    ...{ v: 1, id, aud: address, version, iat },
    ...(exp === undefined ? {} : { exp }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(named === null ? {} : { configs: named }),
    ...(lift === undefined ? {} : { lift }),
    ...(note === undefined ? {} : { note }),
  };
}

/** What a halt holds, in words. Pure. */
export function sayHalted({ rollout, configs }: Pick<Halt, 'rollout' | 'configs'>): string {
  if (rollout !== undefined) return `roll-out ${rollout}`;
  return configs === undefined ? 'all updates' : `updates of ${configs.join(', ')}`;
}

function readConfigs(value: unknown): readonly string[] | Refusal {
  if (!Array.isArray(value) || value.length === 0 || value.length > CONFIGS_MAX) {
    return malformed('configs', `expected a list of 1 to ${CONFIGS_MAX} names`);
  }
  const names = value.filter(isName);
  return names.length === value.length ? names : malformed('configs', 'expected names of configs');
}

function isWhole(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= max;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

function malformed(at: string, why: string): Refusal {
  return refuse('malformed', `${at}: ${why}`);
}
