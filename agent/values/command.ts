import { type Refusal, refuse } from './errors.ts';
import { harmless, printable } from './printable.ts';
import { parseAddress } from './topics.ts';
import { NAME } from './units.ts';

/** Every command of the format, and so every last level of a command's topic. */
export const COMMANDS = ['release', 'refresh', 'confirm', 'rollback'] as const;

/** Longest life of a command, from `iat` to `exp`, in seconds. Effect: a device need not remember an id for longer. */
export const COMMAND_LIFE_MAX_S = 7 * 86_400;

/** The process a release was signed to deal with, as the lock's report names it. */
export interface NamedHolder {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat; null where the report had none. */
  readonly start: number | null;
}

/** What every command has. Times are epoch seconds. */
interface CommandBase {
  readonly v: 1;
  readonly id: string;
  readonly aud: `dev/${string}`;
  readonly iat: number;
  readonly exp: number;
}

/** Make a lock COLD: bound to the token it was meant for, and to the holder where it names one. */
export interface ReleaseCommand extends CommandBase {
  readonly cmd: 'release';
  readonly config: string;
  readonly token: number;
  readonly holder?: NamedHolder;
  /** The named holder, if it is `orphaned`, may be ended for it. */
  readonly end_holder?: boolean;
  readonly reason: string;
}

/** Say again what is retained: reported, lock (of one config, or of all) and status. */
export interface RefreshCommand extends CommandBase {
  readonly cmd: 'refresh';
  readonly config?: string;
  /** The last `seq` of this device that the sender has seen. */
  readonly seq?: number;
  readonly reason?: string;
}

/** Take an update that runs, or is on trial, for good, or take it back: bound to the id of that update. */
export interface VerdictCommand extends CommandBase {
  readonly cmd: 'confirm' | 'rollback';
  readonly config: string;
  readonly update: string;
  readonly reason?: string;
}

/** The payload of a signed command, checked for shape. */
export type Command = ReleaseCommand | RefreshCommand | VerdictCommand;

const BASE = ['v', 'id', 'aud', 'cmd', 'iat', 'exp'];
const MEMBERS = {
  release: [...BASE, 'config', 'token', 'holder', 'end_holder', 'reason'],
  refresh: [...BASE, 'config', 'seq', 'reason'],
  confirm: [...BASE, 'config', 'update', 'reason'],
  rollback: [...BASE, 'config', 'update', 'reason'],
} as const;
const NEEDED = {
  release: [...BASE, 'config', 'token', 'reason'],
  refresh: BASE,
  confirm: [...BASE, 'config', 'update'],
  rollback: [...BASE, 'config', 'update', 'reason'],
} as const;
const ID = /^[A-Za-z0-9._:-]{1,64}$/;
/** The year 9999: later times do not fit RFC 3339. */
const TIME_MAX_S = 253_402_300_799;
const REASON_MAX_CHARS = 256;

/** Reads the payload of a signed command. Pure; the reason of a refusal starts with the path in the document. */
export function parseCommand(payload: unknown): Command | Refusal {
  if (!isFields(payload)) return malformed('document', 'expected an object');
  const { v, cmd } = payload;
  if (typeof v !== 'number') return malformed('v', 'expected 1');
  if (v !== 1) return refuse('unsupported-format', `v: ${v}, this agent reads 1`);
  const known = COMMANDS.find((one) => one === cmd);
  if (known === undefined) return malformed('cmd', `expected ${COMMANDS.join(', ')}`);
  return read(known, payload);
}

function read(cmd: (typeof COMMANDS)[number], payload: Fields): Command | Refusal {
  const members: readonly string[] = MEMBERS[cmd];
  const strange = Object.keys(payload).find((key) => !members.includes(key));
  if (strange !== undefined) return refuse('unknown-field', `${printable(strange, 64)}: not a field of a ${cmd}`);
  const missing = NEEDED[cmd].find((key) => !Object.hasOwn(payload, key));
  if (missing !== undefined) return malformed(missing, 'is missing');
  if (cmd === 'release') return readRelease(payload);
  return cmd === 'refresh' ? readRefresh(payload) : readVerdict(cmd, payload);
}

/** The id a payload gives itself, for who must name what is refused; null if it is none. */
export function commandId(payload: unknown): string | null {
  return isFields(payload) && typeof payload.id === 'string' && ID.test(payload.id) ? payload.id : null;
}

function readBase(fields: Fields): CommandBase | Refusal {
  const { id, aud, iat, exp } = fields;
  const address = typeof aud === 'string' ? parseAddress(aud) : null;
  if (typeof id !== 'string' || !ID.test(id)) {
    return malformed('id', 'expected an id of 1 to 64 letters, digits, `.`, `_`, `:` or `-`');
  }
  if (address === null || !isDevice(address)) return malformed('aud', 'expected dev/ID: a command is for one device');
  if (!isWhole(iat, 1, TIME_MAX_S)) return malformed('iat', 'expected epoch seconds');
  if (!isWhole(exp, 1, TIME_MAX_S)) return malformed('exp', 'expected epoch seconds');
  if (exp <= iat) return malformed('exp', 'is not after iat');
  if (exp - iat > COMMAND_LIFE_MAX_S) return malformed('exp', 'is more than 7 days after iat');
  return { v: 1, id, aud: address, iat, exp };
}

function readRelease(fields: Fields): Command | Refusal {
  const base = readBase(fields);
  if ('kind' in base) return base;
  const { config, token, holder, end_holder, reason } = fields;
  if (!isName(config)) return malformed('config', 'expected a name');
  if (!isWhole(token, 0, Number.MAX_SAFE_INTEGER)) return malformed('token', 'expected a whole number from 0');
  if (!isReason(reason)) return malformed('reason', `expected words, at most ${REASON_MAX_CHARS} characters`);
  const named = holder === undefined ? null : readHolder(holder);
  if (named !== null && 'kind' in named) return named;
  if (end_holder !== undefined && typeof end_holder !== 'boolean') {
    return malformed('end_holder', 'expected true or false');
  }
  if (end_holder === true && named === null) return malformed('holder', 'is missing: end_holder needs to know whom');
  return {
    ...base,
    ...{ cmd: 'release', config, token, reason },
    ...(named === null ? {} : { holder: named }),
    ...(end_holder === undefined ? {} : { end_holder }),
  };
}

function readHolder(value: unknown): NamedHolder | Refusal {
  if (!isFields(value)) return malformed('holder', 'expected an object');
  const strange = Object.keys(value).find((key) => key !== 'pid' && key !== 'start');
  if (strange !== undefined)
    return refuse('unknown-field', `holder.${printable(strange, 64)}: not a field of a holder`);
  const { pid, start = null } = value;
  if (!isWhole(pid, 0, Number.MAX_SAFE_INTEGER)) return malformed('holder.pid', 'expected a whole number from 0');
  if (start !== null && !isWhole(start, 0, Number.MAX_SAFE_INTEGER)) {
    return malformed('holder.start', 'expected clock ticks since boot, or null');
  }
  return { pid, start };
}

function readRefresh(fields: Fields): Command | Refusal {
  const base = readBase(fields);
  if ('kind' in base) return base;
  const { config, seq, reason } = fields;
  if (config !== undefined && !isName(config)) return malformed('config', 'expected a name');
  if (seq !== undefined && !isWhole(seq, 0, Number.MAX_SAFE_INTEGER)) {
    return malformed('seq', 'expected a whole number from 0');
  }
  if (reason !== undefined && !isReason(reason)) {
    return malformed('reason', `expected words, at most ${REASON_MAX_CHARS} characters`);
  }
  return {
    ...base,
    cmd: 'refresh',
    ...(config === undefined ? {} : { config }),
    ...(seq === undefined ? {} : { seq }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function readVerdict(cmd: VerdictCommand['cmd'], fields: Fields): Command | Refusal {
  const base = readBase(fields);
  if ('kind' in base) return base;
  const { config, update, reason } = fields;
  if (!isName(config)) return malformed('config', 'expected a name');
  if (typeof update !== 'string' || !ID.test(update)) return malformed('update', 'expected the id of an update');
  if (reason !== undefined && !isReason(reason)) {
    return malformed('reason', `expected words, at most ${REASON_MAX_CHARS} characters`);
  }
  return { ...base, cmd, config, update, ...(reason === undefined ? {} : { reason }) };
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDevice(address: string): address is `dev/${string}` {
  return address.startsWith('dev/');
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

/** Words for a log: not empty, and nothing in them that could move a cursor. */
function isReason(value: unknown): value is string {
  return typeof value === 'string' && /\S/.test(value) && harmless(value, REASON_MAX_CHARS) === value;
}

function malformed(at: string, why: string): Refusal {
  return refuse('malformed', `${at}: ${why}`);
}
