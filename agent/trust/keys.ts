import { EXIT, SaidError } from '../values/errors.ts';
import { parseStrictJson } from '../values/json.ts';
import { parseAddress } from '../values/topics.ts';
import { NAME } from '../values/units.ts';

/** What a key may be used for, beyond signing at all. */
export interface KeyMay {
  /** Addresses it may sign for, `dev/*` and `grp/*` among them; null: all. */
  readonly addresses: readonly string[] | null;
  /** Configs it may sign for; null: all. */
  readonly configs: readonly string[] | null;
  /** Commands it may sign; null: all. */
  readonly commands: readonly string[] | null;
  /** Whether it may have a process ended that is in the way of a release. */
  readonly endHolder: boolean;
}

/** One key the device knows. */
export interface TrustKey {
  readonly kid: string;
  /** Root keys sign only trust documents; push keys sign everything else. */
  readonly role: 'root' | 'push';
  /** Not valid before, epoch seconds. */
  readonly nbf: number | null;
  /** Not valid from then on, epoch seconds. */
  readonly exp: number | null;
  readonly may: KeyMay;
  /** The public key, 32 bytes in base64url. */
  readonly x: string;
}

/** The keys a device knows, by id. */
export interface KeyRing {
  readonly keys: readonly TrustKey[];
  find(kid: string): TrustKey | null;
}

const JWK_MEMBERS = ['kty', 'crv', 'x', 'kid', 'role', 'nbf', 'exp', 'may', 'use', 'alg', 'key_ops'];
const MAY_MEMBERS = ['addresses', 'configs', 'commands', 'end_holder'];
const PUBLIC_KEY = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Reads a JWKS of public Ed25519 keys; `path` is where it is from. Throws {@link SaidError} (exit 2) that names the member. */
export function parseKeys(text: string, path: string): KeyRing {
  const bad = (where: string, why: string, remedy = 'make the file with: locksmith keys new NAME'): never => {
    throw new SaidError(EXIT.usage, `${path}: ${where === '' ? '' : `${where}: `}${why}`, remedy);
  };
  const json = parseStrictJson(text);
  if (json.kind === 'fault') return bad('', json.why);
  const set = json.value;
  if (!isObject(set) || !Array.isArray(set.keys)) return bad('', 'expected a JWKS: { "keys": [ … ] }');
  for (const key of Object.keys(set)) if (key !== 'keys') bad(key, 'unknown member of a JWKS');
  if (set.keys.length === 0) return bad('keys', 'no key in it: nobody could be trusted');
  return readRing(set.keys, (where, why) => bad(where, why));
}

/** Leaves with what is wrong and where, from `keys` on; `unknown`: a member that nobody knows. Never returns. */
export type Bad = (where: string, why: string, unknown?: 'unknown') => never;

/** Reads a list of JWKs, each with an id of its own. Calls `bad` if it is none. */
export function readRing(list: readonly unknown[], bad: Bad): KeyRing {
  const keys = list.map((jwk, index) =>
    readKey(jwk, (where, why, unknown) => bad(`keys[${index}]${where}`, why, unknown)),
  );
  const byId = new Map<string, TrustKey>();
  for (const [index, key] of keys.entries()) {
    if (byId.has(key.kid)) return bad(`keys[${index}].kid`, `'${key.kid}' is there twice`);
    byId.set(key.kid, key);
  }
  return { keys, find: (kid) => byId.get(kid) ?? null };
}

function readKey(jwk: unknown, bad: Bad): TrustKey {
  if (!isObject(jwk)) return bad('', 'expected a JWK');
  if (jwk.d !== undefined) return bad('.d', 'a private key; only its public part belongs on a device');
  const unknown = Object.keys(jwk).find((member) => !JWK_MEMBERS.includes(member));
  if (unknown !== undefined) return bad(`.${unknown}`, 'unknown member of a key', 'unknown');
  if (jwk.kty !== 'OKP') return bad('.kty', 'expected "OKP"');
  if (jwk.crv !== 'Ed25519') return bad('.crv', 'expected "Ed25519"');
  const { kid, x, role, use, alg, key_ops } = jwk;
  if (typeof kid !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(kid)) {
    return bad('.kid', 'expected an id of 1 to 128 printable characters without spaces');
  }
  if (typeof x !== 'string' || !PUBLIC_KEY.test(x)) return bad('.x', 'expected 32 bytes in base64url');
  if (role !== undefined && role !== 'root' && role !== 'push') return bad('.role', 'expected "root" or "push"');
  if (use !== undefined && use !== 'sig') return bad('.use', 'expected "sig"');
  if (alg !== undefined && alg !== 'EdDSA' && alg !== 'Ed25519') return bad('.alg', 'expected "EdDSA"');
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes('verify'))) {
    return bad('.key_ops', 'expected a list with "verify" in it');
  }
  return {
    kid,
    x,
    role: role ?? 'push',
    nbf: readTime(jwk.nbf, (why) => bad('.nbf', why)),
    exp: readTime(jwk.exp, (why) => bad('.exp', why)),
    may: readMay(jwk.may, (where, why, unknown) => bad(`.may${where}`, why, unknown)),
  };
}

function readTime(value: unknown, bad: (why: string) => never): number | null {
  if (value === undefined) return null;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : bad('expected epoch seconds');
}

function readMay(value: unknown, bad: Bad): KeyMay {
  if (value === undefined) return { addresses: null, configs: null, commands: null, endHolder: false };
  if (!isObject(value)) return bad('', 'expected an object');
  const unknown = Object.keys(value).find((member) => !MAY_MEMBERS.includes(member));
  if (unknown !== undefined) return bad(`.${unknown}`, `unknown; known are ${MAY_MEMBERS.join(', ')}`, 'unknown');
  const list = (member: string, expected: string, fits: (text: string) => boolean): readonly string[] | null => {
    const texts = value[member];
    if (texts === undefined) return null;
    if (!Array.isArray(texts)) return bad(`.${member}`, 'expected a list');
    return texts.map((text: unknown, index) =>
      typeof text === 'string' && fits(text) ? text : bad(`.${member}[${index}]`, `expected ${expected}`),
    );
  };
  const endHolder = value.end_holder;
  if (endHolder !== undefined && typeof endHolder !== 'boolean') return bad('.end_holder', 'expected true or false');
  const isAddress = (text: string) => text === 'dev/*' || text === 'grp/*' || parseAddress(text) !== null;
  return {
    addresses: list('addresses', 'an address: dev/ID, grp/GROUP, all, dev/* or grp/*', isAddress),
    configs: list('configs', 'the name of a config', (text) => NAME.test(text)),
    commands: list('commands', 'the name of a command', (text) => NAME.test(text)),
    endHolder: endHolder ?? false,
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
