import { type Refusal, refuse } from './errors.ts';
import { whyNoFetchUrl } from './fetch-url.ts';
import { printable } from './printable.ts';
import { isLayer, parseAddress } from './topics.ts';
import { isDigest, NAME } from './units.ts';
import {
  type Confirm,
  type Expectation,
  FETCHED_MAX_BYTES,
  type RemoteFile,
  type Update,
  type UpdateFile,
  type When,
} from './update.ts';
import { type Window, whyNoWindow } from './window.ts';

const REQUIRED = ['v', 'id', 'aud', 'config', 'layer', 'version', 'iat'];
const OPTIONAL = ['files', 'withdraw', 'until', 'exp', 'expect', 'when', 'confirm', 'retry', 'rollout', 'note'];
const FILE_KEYS = ['name', 'digest', 'encoding', 'content', 'url', 'size', 'absent'];
const ID = /^[A-Za-z0-9._:-]{1,64}$/;
/** The year 9999: later times do not fit RFC 3339. */
const TIME_MAX_S = 253_402_300_799;
const NOTE_MAX_CHARS = 1024;
/** Shortest and longest time to confirm in, in seconds: a link needs some to come back, and a day is for people. */
const CONFIRM_MIN_S = 5;
const CONFIRM_MAX_S = 86_400;

/** A refusal on its way up from the place where it was found; never leaves this file. */
class Wrong extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads the payload of a signed update. Pure; the reason of a refusal starts with the path in the document. */
export function parseUpdate(payload: unknown): Update | Refusal {
  try {
    return readUpdate(payload);
  } catch (error) {
    if (error instanceof Wrong) return error.refusal;
    throw error;
  }
}

/** The payload of an update as it is signed: the reverse of {@link parseUpdate}. Pure. */
export function updatePayload(update: Update): object {
  const { withdraw, files, ...rest } = update;
  return withdraw ? { ...rest, withdraw } : { ...rest, files };
}

function readUpdate(payload: unknown): Update {
  const fields = asFields(payload, 'document');
  if (typeof fields.v !== 'number') malformed('v', 'expected 1');
  if (fields.v !== 1) throw new Wrong(refuse('unsupported-format', `v: ${String(fields.v)}, this agent reads 1`));
  checkKeys(fields, '', [...REQUIRED, ...OPTIONAL]);
  for (const key of REQUIRED) if (!Object.hasOwn(fields, key)) malformed(key, 'is missing');
  const { layer, aud, withdraw, files, until, exp, rollout, note, expect, when, confirm, retry } = fields;
  const address = typeof aud === 'string' ? parseAddress(aud) : null;
  if (address === null) return malformed('aud', 'expected dev/ID, grp/GROUP or all');
  if (!isLayer(layer)) return malformed('layer', 'expected base or shadow');
  if (withdraw !== undefined && withdraw !== true) malformed('withdraw', 'expected true, or nothing');
  if (withdraw === true && files !== undefined) malformed('files', 'a withdrawal has no files');
  if (withdraw !== true && files === undefined) malformed('files', 'is missing');
  if (layer === 'base' && until !== undefined) malformed('until', 'only a shadow ends');
  if (layer === 'shadow' && withdraw !== true && until === undefined)
    malformed('until', 'is missing: a shadow needs it');
  if (retry !== undefined && retry !== true) malformed('retry', 'expected true, or nothing');
  return {
    v: 1,
    id: text(fields.id, 'id', ID, 'an id of 1 to 64 letters, digits, `.`, `_`, `:` or `-`'),
    aud: address,
    config: text(fields.config, 'config', NAME, 'a name'),
    layer,
    version: integer(fields.version, 'version', 1, Number.MAX_SAFE_INTEGER),
    iat: integer(fields.iat, 'iat', 1, TIME_MAX_S),
    ...(exp === undefined ? {} : { exp: integer(exp, 'exp', 1, TIME_MAX_S) }),
    ...(until === undefined ? {} : { until: integer(until, 'until', 1, TIME_MAX_S) }),
    ...(expect === undefined ? {} : { expect: readExpect(expect) }),
    ...(when === undefined ? {} : { when: readWhen(when) }),
    ...(confirm === undefined ? {} : { confirm: readConfirm(confirm) }),
    ...(retry === undefined ? {} : { retry: true as const }),
    withdraw: withdraw === true,
    files: withdraw === true ? [] : readFiles(files),
    ...(rollout === undefined ? {} : { rollout: text(rollout, 'rollout', NAME, 'a name') }),
    ...(note === undefined ? {} : { note: readNote(note) }),
  };
}

function readExpect(value: unknown): Expectation {
  const fields = asFields(value, 'expect');
  checkKeys(fields, 'expect.', ['digest', 'token']);
  const { digest, token } = fields;
  if (digest === undefined && token === undefined) malformed('expect', 'expected digest or token in it');
  return {
    ...(digest === undefined ? {} : { digest: readDigest(digest, 'expect.digest') }),
    ...(token === undefined ? {} : { token: integer(token, 'expect.token', 0, Number.MAX_SAFE_INTEGER) }),
  };
}

function readWhen(value: unknown): When {
  const fields = asFields(value, 'when');
  checkKeys(fields, 'when.', ['window', 'vehicle']);
  const { window, vehicle } = fields;
  if (window === undefined && vehicle === undefined) malformed('when', 'expected window or vehicle in it');
  if (vehicle !== undefined && vehicle !== 'safe')
    malformed('when.vehicle', 'expected safe: a document can only ask for more');
  return {
    ...(window === undefined ? {} : { window: readWindow(window) }),
    ...(vehicle === undefined ? {} : { vehicle: 'safe' as const }),
  };
}

function readWindow(value: unknown): Window {
  const fields = asFields(value, 'when.window');
  checkKeys(fields, 'when.window.', ['cron', 'minutes', 'tz']);
  const { cron, minutes, tz } = fields;
  if (typeof cron !== 'string') return malformed('when.window.cron', 'expected a text of five fields');
  if (typeof minutes !== 'number') return malformed('when.window.minutes', 'expected a whole number');
  if (typeof tz !== 'string') return malformed('when.window.tz', 'expected a time zone, such as UTC');
  const window = { cron, minutes, tz };
  const why = whyNoWindow(window);
  return why === null ? window : malformed('when.window', printable(why, 256));
}

function readConfirm(value: unknown): Confirm {
  const fields = asFields(value, 'confirm');
  checkKeys(fields, 'confirm.', ['within_s', 'by']);
  const { within_s, by } = fields;
  if (by !== 'link' && by !== 'fleet') return malformed('confirm.by', 'expected link or fleet');
  return { within_s: integer(within_s, 'confirm.within_s', CONFIRM_MIN_S, CONFIRM_MAX_S), by };
}

function readFiles(value: unknown): readonly UpdateFile[] {
  if (!Array.isArray(value) || value.length === 0) return malformed('files', 'expected a list of files');
  const files = value.map((file: unknown, index) => readFile(file, `files[${index}]`));
  const names = new Set<string>();
  for (const [index, { name }] of files.entries()) {
    if (names.has(name)) throw new Wrong(refuse('incomplete', `files[${index}].name: ${name} is listed twice`));
    names.add(name);
  }
  const fetched = files.reduce((sum, file) => sum + ('url' in file ? file.size : 0), 0);
  if (fetched > FETCHED_MAX_BYTES) {
    const why = `files: ${fetched} bytes are to be fetched, more than the ${FETCHED_MAX_BYTES} (8 MiB) allowed`;
    throw new Wrong(refuse('too-large', why));
  }
  return files;
}

function readFile(value: unknown, at: string): UpdateFile {
  const fields = asFields(value, at);
  checkKeys(fields, `${at}.`, FILE_KEYS);
  const { name, encoding, content, absent } = fields;
  const none = (keys: readonly string[], why: string) => {
    for (const key of keys) if (Object.hasOwn(fields, key)) malformed(`${at}.${key}`, why);
  };
  if (typeof name !== 'string' || whyNoBaseName(name) !== null) {
    return malformed(`${at}.name`, typeof name === 'string' ? (whyNoBaseName(name) ?? '') : 'expected a base name');
  }
  if (absent !== undefined) {
    if (absent !== true) malformed(`${at}.absent`, 'expected true, or nothing');
    none(['digest', 'encoding', 'content', 'url', 'size'], 'a file that is to be absent has none');
    return { name, absent };
  }
  if (fields.url !== undefined) {
    none(['encoding', 'content'], 'a file by url has none');
    return readRemote(fields, name, at);
  }
  if (fields.size !== undefined) malformed(`${at}.size`, 'only for a file by url');
  if (encoding !== 'utf8' && encoding !== 'base64') return malformed(`${at}.encoding`, 'expected utf8 or base64');
  if (typeof content !== 'string') return malformed(`${at}.content`, 'expected a text');
  if (encoding === 'utf8' && /\p{Surrogate}/u.test(content))
    malformed(`${at}.content`, 'half a character: not Unicode');
  if (encoding === 'base64' && !isBase64(content)) malformed(`${at}.content`, 'expected base64 with its padding');
  return { name, digest: readDigest(fields.digest, `${at}.digest`), encoding, content };
}

function readRemote({ url, size, digest }: Fields, name: string, at: string): RemoteFile {
  const wrong = typeof url === 'string' ? whyNoFetchUrl(url) : 'expected a text';
  if (typeof url !== 'string' || wrong !== null) return malformed(`${at}.url`, wrong ?? '');
  return {
    ...{ name, url, digest: readDigest(digest, `${at}.digest`) },
    size: integer(size, `${at}.size`, 0, Number.MAX_SAFE_INTEGER),
  };
}

/** Why a text is not the base name of a file; null if it is one. */
export function whyNoBaseName(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return `expected a base name, found '${name}'`;
  if (name.includes('/')) return 'expected a base name, found a path';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  if (/[\u0000-\u001f\u007f\p{Surrogate}]/u.test(name)) return 'expected a base name without control characters';
  return new TextEncoder().encode(name).length > 255 ? 'longer than 255 bytes' : null;
}

/** True for base64 as it is written: padded, and with the unused bits at the end zero, so that bytes have one spelling. */
function isBase64(content: string): boolean {
  if (content.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(content)) return false;
  if (content.endsWith('==')) return /[AQgw]==$/.test(content);
  return !content.endsWith('=') || /[AEIMQUYcgkosw048]=$/.test(content);
}

function readNote(value: unknown): string {
  if (typeof value !== 'string') return malformed('note', 'expected a text');
  return value.length > NOTE_MAX_CHARS ? malformed('note', `longer than ${NOTE_MAX_CHARS} characters`) : value;
}

function readDigest(value: unknown, at: string): string {
  return typeof value === 'string' && isDigest(value) ? value : malformed(at, 'expected sha256: and 64 hex digits');
}

function text(value: unknown, at: string, pattern: RegExp, expected: string): string {
  return typeof value === 'string' && pattern.test(value) ? value : malformed(at, `expected ${expected}`);
}

function integer(value: unknown, at: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  return malformed(at, `expected a whole number from ${min} to ${max}`);
}

function asFields(value: unknown, at: string): Fields {
  if (isFields(value)) return value;
  return malformed(at, 'expected an object');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkKeys(fields: Fields, prefix: string, known: readonly string[]): void {
  for (const key of Object.keys(fields)) {
    const at = `${prefix}${printable(key, 64)}`;
    if (!known.includes(key)) throw new Wrong(refuse('unknown-field', `${at}: not a field of an update`));
  }
}

function malformed(at: string, why: string): never {
  throw new Wrong(refuse('malformed', `${at}: ${why}`));
}
