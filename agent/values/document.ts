import type { Refusal } from './errors.ts';
import { whyNoFetchUrl } from './fetch-url.ts';
import {
  asAddress,
  asFields,
  asId,
  asName,
  asText,
  asTime,
  asTrue,
  asVersionOne,
  asWhole,
  checkKeys,
  checkNeeded,
  type Fields,
  malformed,
  readOrRefuse,
  wrong,
} from './fields.ts';
import { printable } from './printable.ts';
import { isLayer } from './topics.ts';
import { isDigest } from './units.ts';
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
const NOTE_MAX_CHARS = 1024;
/** Shortest and longest time to confirm in, in seconds: a link needs some to come back, and a day is for people. */
const CONFIRM_MIN_S = 5;
const CONFIRM_MAX_S = 86_400;

/** Reads the payload of a signed update. Pure; the reason of a refusal starts with the path in the document. */
export function parseUpdate(payload: unknown): Update | Refusal {
  return readOrRefuse(() => readUpdate(payload));
}

/** The payload of an update as it is signed: the reverse of {@link parseUpdate}. Pure. */
export function updatePayload(update: Update): object {
  const { withdraw, files, ...rest } = update;
  return withdraw ? { ...rest, withdraw } : { ...rest, files };
}

function readUpdate(payload: unknown): Update {
  const fields = asVersionOne(payload);
  checkKeys(fields, [...REQUIRED, ...OPTIONAL], 'an update');
  checkNeeded(fields, REQUIRED);
  const { layer, withdraw, files, until, exp, rollout, note, expect, when, confirm, retry } = fields;
  if (!isLayer(layer)) return malformed('layer', 'expected base or shadow');
  if (withdraw !== undefined) asTrue(withdraw, 'withdraw');
  if (withdraw === true && files !== undefined) malformed('files', 'a withdrawal has no files');
  if (withdraw !== true && files === undefined) malformed('files', 'is missing');
  if (layer === 'base' && until !== undefined) malformed('until', 'only a shadow ends');
  if (layer === 'shadow' && withdraw !== true && until === undefined)
    malformed('until', 'is missing: a shadow needs it');
  return {
    v: 1,
    id: asId(fields.id, 'id'),
    aud: asAddress(fields.aud, 'aud'),
    config: asName(fields.config, 'config'),
    layer,
    version: asWhole(fields.version, 'version', 1),
    iat: asTime(fields.iat, 'iat'),
    ...(exp === undefined ? {} : { exp: asTime(exp, 'exp') }),
    ...(until === undefined ? {} : { until: asTime(until, 'until') }),
    ...(expect === undefined ? {} : { expect: readExpect(expect) }),
    ...(when === undefined ? {} : { when: readWhen(when) }),
    ...(confirm === undefined ? {} : { confirm: readConfirm(confirm) }),
    ...(retry === undefined ? {} : { retry: asTrue(retry, 'retry') }),
    withdraw: withdraw === true,
    files: withdraw === true ? [] : readFiles(files),
    ...(rollout === undefined ? {} : { rollout: asName(rollout, 'rollout') }),
    ...(note === undefined ? {} : { note: asText(note, 'note', NOTE_MAX_CHARS) }),
  };
}

function readExpect(value: unknown): Expectation {
  const fields = asFields(value, 'expect');
  checkKeys(fields, ['digest', 'token'], 'an update', 'expect.');
  const { digest, token } = fields;
  if (digest === undefined && token === undefined) malformed('expect', 'expected digest or token in it');
  return {
    ...(digest === undefined ? {} : { digest: readDigest(digest, 'expect.digest') }),
    ...(token === undefined ? {} : { token: asWhole(token, 'expect.token', 0) }),
  };
}

function readWhen(value: unknown): When {
  const fields = asFields(value, 'when');
  checkKeys(fields, ['window', 'vehicle'], 'an update', 'when.');
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
  checkKeys(fields, ['cron', 'minutes', 'tz'], 'an update', 'when.window.');
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
  checkKeys(fields, ['within_s', 'by'], 'an update', 'confirm.');
  const { within_s, by } = fields;
  if (by !== 'link' && by !== 'fleet') return malformed('confirm.by', 'expected link or fleet');
  return { within_s: asWhole(within_s, 'confirm.within_s', CONFIRM_MIN_S, CONFIRM_MAX_S), by };
}

function readFiles(value: unknown): readonly UpdateFile[] {
  if (!Array.isArray(value) || value.length === 0) return malformed('files', 'expected a list of files');
  const files = value.map((file: unknown, index) => readFile(file, `files[${index}]`));
  const names = new Set<string>();
  for (const [index, { name }] of files.entries()) {
    if (names.has(name)) wrong('incomplete', `files[${index}].name: ${name} is listed twice`);
    names.add(name);
  }
  const fetched = files.reduce((sum, file) => sum + ('url' in file ? file.size : 0), 0);
  if (fetched > FETCHED_MAX_BYTES) {
    wrong('too-large', `files: ${fetched} bytes are to be fetched, more than the ${FETCHED_MAX_BYTES} (8 MiB) allowed`);
  }
  return files;
}

function readFile(value: unknown, at: string): UpdateFile {
  const fields = asFields(value, at);
  checkKeys(fields, FILE_KEYS, 'an update', `${at}.`);
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
    size: asWhole(size, `${at}.size`, 0),
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

function readDigest(value: unknown, at: string): string {
  return typeof value === 'string' && isDigest(value) ? value : malformed(at, 'expected sha256: and 64 hex digits');
}
