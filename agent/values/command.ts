import type { Refusal } from './errors.ts';
import {
  asFields,
  asId,
  asName,
  asTime,
  asVersionOne,
  asWhole,
  asWords,
  checkKeys,
  checkNeeded,
  type Fields,
  isFields,
  isId,
  malformed,
  readOrRefuse,
} from './fields.ts';
import { parseAddress } from './topics.ts';

/** Every command of the format, and so every last level of a command's topic. */
export const COMMANDS = ['release', 'refresh', 'confirm', 'rollback'] as const;

/** Longest life of a command, from `iat` to `exp`, in seconds. Effect: a device need not remember an id for longer. */
export const COMMAND_LIFE_MAX_S = 7 * 86_400;

/** The process a release was signed to deal with, as the lock's report names it. */
export interface NamedHolder {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat; null where the report had none. */
  readonly start: number | null;
  /** The boot that pid and start are of; left out by senders that do not know it. After another boot they may mean somebody else. */
  readonly boot?: string;
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
const REASON_MAX_CHARS = 256;

/** Reads the payload of a signed command. Pure; the reason of a refusal starts with the path in the document. */
export function parseCommand(payload: unknown): Command | Refusal {
  return readOrRefuse(() => read(payload));
}

/** The id a payload gives itself, for who must name what is refused; null if it is none. */
export function commandId(payload: unknown): string | null {
  return isFields(payload) && isId(payload.id) ? payload.id : null;
}

function read(payload: unknown): Command {
  const fields = asVersionOne(payload);
  const cmd = COMMANDS.find((one) => one === fields.cmd);
  if (cmd === undefined) return malformed('cmd', `expected ${COMMANDS.join(', ')}`);
  checkKeys(fields, MEMBERS[cmd], `a ${cmd}`);
  checkNeeded(fields, NEEDED[cmd]);
  const base = readBase(fields);
  if (cmd === 'release') return readRelease(base, fields);
  return cmd === 'refresh' ? readRefresh(base, fields) : readVerdict(base, cmd, fields);
}

function readBase(fields: Fields): CommandBase {
  const { aud } = fields;
  const id = asId(fields.id, 'id');
  const address = typeof aud === 'string' ? parseAddress(aud) : null;
  if (address === null || !isDevice(address)) return malformed('aud', 'expected dev/ID: a command is for one device');
  const iat = asTime(fields.iat, 'iat');
  const exp = asTime(fields.exp, 'exp');
  if (exp <= iat) malformed('exp', 'is not after iat');
  if (exp - iat > COMMAND_LIFE_MAX_S) malformed('exp', 'is more than 7 days after iat');
  return { v: 1, id, aud: address, iat, exp };
}

function readRelease(base: CommandBase, fields: Fields): ReleaseCommand {
  const { holder, end_holder } = fields;
  const release = {
    ...{ ...base, cmd: 'release' as const, config: asName(fields.config, 'config') },
    ...{ token: asWhole(fields.token, 'token', 0), reason: asWords(fields.reason, 'reason', REASON_MAX_CHARS) },
    ...(holder === undefined ? {} : { holder: readHolder(holder) }),
  };
  if (end_holder === undefined) return release;
  if (typeof end_holder !== 'boolean') return malformed('end_holder', 'expected true or false');
  if (end_holder && holder === undefined) malformed('holder', 'is missing: end_holder needs to know whom');
  return { ...release, end_holder };
}

function readHolder(value: unknown): NamedHolder {
  const fields = asFields(value, 'holder');
  checkKeys(fields, ['pid', 'start', 'boot'], 'a holder', 'holder.');
  const { pid, start = null, boot } = fields;
  return {
    pid: asWhole(pid, 'holder.pid', 0),
    start: start === null ? null : asWhole(start, 'holder.start', 0),
    ...(boot === undefined ? {} : { boot: asId(boot, 'holder.boot') }),
  };
}

function readRefresh(base: CommandBase, fields: Fields): RefreshCommand {
  const { config, seq, reason } = fields;
  return {
    ...base,
    cmd: 'refresh',
    ...(config === undefined ? {} : { config: asName(config, 'config') }),
    ...(seq === undefined ? {} : { seq: asWhole(seq, 'seq', 0) }),
    ...(reason === undefined ? {} : { reason: asWords(reason, 'reason', REASON_MAX_CHARS) }),
  };
}

function readVerdict(base: CommandBase, cmd: VerdictCommand['cmd'], fields: Fields): VerdictCommand {
  const { update, reason } = fields;
  return {
    ...{ ...base, cmd, config: asName(fields.config, 'config') },
    update: isId(update) ? update : malformed('update', 'expected the id of an update'),
    ...(reason === undefined ? {} : { reason: asWords(reason, 'reason', REASON_MAX_CHARS) }),
  };
}

function isDevice(address: string): address is `dev/${string}` {
  return address.startsWith('dev/');
}
