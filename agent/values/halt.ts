import type { Refusal } from './errors.ts';
import {
  asAddress,
  asId,
  asName,
  asTime,
  asTrue,
  asVersionOne,
  asWhole,
  checkKeys,
  checkNeeded,
  malformed,
  readOrRefuse,
} from './fields.ts';
import { harmless } from './printable.ts';
import type { Address } from './topics.ts';

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
const CONFIGS_MAX = 256;
const NOTE_MAX_CHARS = 256;

/** Reads the payload of a signed halt. Pure; the reason of a refusal starts with the path in the document. */
export function parseHalt(payload: unknown): Halt | Refusal {
  return readOrRefuse(() => readHalt(payload));
}

function readHalt(payload: unknown): Halt {
  const fields = asVersionOne(payload);
  checkKeys(fields, MEMBERS, 'a halt');
  checkNeeded(fields, REQUIRED);
  const { exp, rollout, configs, lift, note } = fields;
  if (rollout !== undefined && configs !== undefined) malformed('configs', 'there is a rollout already');
  return {
    v: 1,
    id: asId(fields.id, 'id'),
    aud: asAddress(fields.aud, 'aud'),
    version: asWhole(fields.version, 'version', 1),
    iat: asTime(fields.iat, 'iat'),
    ...(exp === undefined ? {} : { exp: asTime(exp, 'exp') }),
    ...(rollout === undefined ? {} : { rollout: asName(rollout, 'rollout') }),
    ...(configs === undefined ? {} : { configs: readConfigs(configs) }),
    ...(lift === undefined ? {} : { lift: asTrue(lift, 'lift') }),
    ...(note === undefined ? {} : { note: readNote(note) }),
  };
}

/** True for a halt that holds nothing any more at `nowS`, epoch seconds. Pure. */
export function isLifted({ lift, exp }: Pick<Halt, 'lift' | 'exp'>, nowS: number): boolean {
  return lift === true || (exp !== undefined && exp <= nowS);
}

/** What a halt holds, in words. Pure. */
export function sayHalted({ rollout, configs }: Pick<Halt, 'rollout' | 'configs'>): string {
  if (rollout !== undefined) return `roll-out ${rollout}`;
  return configs === undefined ? 'all updates' : `updates of ${configs.join(', ')}`;
}

function readConfigs(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > CONFIGS_MAX) {
    return malformed('configs', `expected a list of 1 to ${CONFIGS_MAX} names`);
  }
  return value.map((name: unknown, index) => asName(name, `configs[${index}]`));
}

function readNote(value: unknown): string {
  if (typeof value === 'string' && harmless(value, NOTE_MAX_CHARS) === value) return value;
  return malformed('note', `expected words, at most ${NOTE_MAX_CHARS} characters`);
}
