import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';
import type { Command } from '../values/command.ts';
import { updatePayload } from '../values/document.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import type { Halt } from '../values/halt.ts';
import { parseStrictJson } from '../values/json.ts';
import { DOCUMENT_TYPES, type Update } from '../values/update.ts';

/** A private key ready to sign with. */
export interface Signer {
  readonly kid: string;
  /** The public half, as a member of a JWKS. */
  readonly publicJwk: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly kid: string; readonly x: string };
  /** The compact JWS of an update. */
  sign(update: Update): Promise<string>;
  /** The compact JWS of a halt. */
  signHalt(halt: Halt): Promise<string>;
  /** The compact JWS of a command. */
  signCommand(command: Command): Promise<string>;
  /** The compact JWS of what operators tell each other of a roll-out. */
  signRollout(payload: object): Promise<string>;
}

/** A key pair on disk. */
export interface KeyFiles {
  readonly kid: string;
  /** Private JWK, mode 0600. */
  readonly privatePath: string;
  /** JWKS with the public JWK. */
  readonly publicPath: string;
}

/** A JSON Web Key of Ed25519, private where `d` is there. */
export interface Ed25519Jwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly kid: string;
  readonly x: string;
  readonly d?: string;
  /** `root`: signs trust documents and nothing else. Absent: push. */
  readonly role?: 'root' | 'push';
}

/** What a key is for. */
export type KeyRole = 'root' | 'push';

/**
 * Makes a key pair, `NAME.key.json` and `NAME.pub.json` in `dir`. The key id is the name and the start of the key's thumbprint, so
 * that two keys of one name are never mistaken for each other. A root key says so in both files. Throws {@link SaidError} rather than
 * overwrite.
 */
export async function makeKeyFiles(name: string, dir: string, role: KeyRole = 'push'): Promise<KeyFiles> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x, d } = await exportJWK(pair.privateKey);
  if (x === undefined || d === undefined) throw new Error('jose exported an Ed25519 key without x or d');
  const thumbprint = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x });
  const kid = `${name}-${Buffer.from(thumbprint, 'base64url').toString('hex').slice(0, 8)}`;
  const jwk = { kty: 'OKP', crv: 'Ed25519', kid, x, ...(role === 'root' ? { role } : {}) } as const;
  const files = { kid, privatePath: join(dir, `${name}.key.json`), publicPath: join(dir, `${name}.pub.json`) };
  writeNew(files.privatePath, { ...jwk, d }, 0o600);
  try {
    writeNew(files.publicPath, { keys: [{ ...jwk, use: 'sig', alg: 'EdDSA' }] }, 0o644);
  } catch (error) {
    fs.rmSync(files.privatePath, { force: true });
    throw error;
  }
  return files;
}

function writeNew(path: string, content: object, mode: number): void {
  try {
    const fd = fs.openSync(path, 'wx', mode);
    try {
      fs.writeSync(fd, `${JSON.stringify(content, null, 2)}\n`);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    const dirFd = fs.openSync(dirname(path), 'r');
    fs.fsyncSync(dirFd);
    fs.closeSync(dirFd);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'EEXIST')
      throw new SaidError(EXIT.failed, `${path}: is there already`, 'take another name, or another --out DIR');
    throw new SaidError(
      EXIT.failed,
      `${path}: cannot be written: ${code}`,
      'give a directory that exists with --out DIR',
    );
  }
}

/** Bits of a mode that let others use a private key: anything for everybody, writing for the group. */
const OPEN_TO_OTHERS = 0o027;

/**
 * Reads a private key made by {@link makeKeyFiles}. Throws {@link SaidError} (exit 2) if it is none, is a root key, or if others may
 * read it.
 */
export async function readSigner(path: string): Promise<Signer> {
  const { jwk, key } = await readPrivateKey(path);
  if (jwk.role === 'root') {
    throw new SaidError(
      EXIT.usage,
      `${path}: ${jwk.kid} is a root key: it signs trust documents and nothing else`,
      'give a push key with --key; locksmith keys new NAME makes one',
    );
  }
  const sign = (type: keyof typeof DOCUMENT_TYPES, payload: object) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'EdDSA', typ: DOCUMENT_TYPES[type], kid: jwk.kid })
      .sign(key);
  return {
    kid: jwk.kid,
    publicJwk: { kty: 'OKP', crv: 'Ed25519', kid: jwk.kid, x: jwk.x },
    sign: (update) => sign('update', updatePayload(update)),
    signHalt: (halt) => sign('halt', halt),
    signCommand: (command) => sign('command', command),
    signRollout: (payload) => sign('rollout', payload),
  };
}

/** A root key ready to sign which keys count. */
export interface RootSigner {
  readonly kid: string;
  readonly x: string;
  /** Signs a payload, given in base64url. */
  signTrust(payload: string): Promise<{ readonly protected: string; readonly signature: string }>;
}

/** Reads a private root key. Throws {@link SaidError} (exit 2) if it is none, or if others may read it. */
export async function readRootSigner(path: string): Promise<RootSigner> {
  const { jwk, key } = await readPrivateKey(path);
  if (jwk.role !== 'root') {
    throw new SaidError(
      EXIT.usage,
      `${path}: ${jwk.kid} is a push key: only root keys sign which keys count`,
      'locksmith keys new NAME --root',
    );
  }
  return {
    kid: jwk.kid,
    x: jwk.x,
    async signTrust(payload) {
      const header = { alg: 'EdDSA', typ: DOCUMENT_TYPES.trust, kid: jwk.kid };
      const jws = await new CompactSign(Buffer.from(payload, 'base64url')).setProtectedHeader(header).sign(key);
      const [head = '', , signature = ''] = jws.split('.');
      return { protected: head, signature };
    },
  };
}

/** Reads a private key of whatever role. Throws {@link SaidError} (exit 2) if it is none, or if others may read it. */
async function readPrivateKey(
  path: string,
): Promise<{ readonly jwk: Ed25519Jwk; readonly key: Awaited<ReturnType<typeof importJWK>> }> {
  const bad = (why: string, remedy = 'locksmith keys new NAME'): never => {
    throw new SaidError(EXIT.usage, `${path}: ${why}`, remedy);
  };
  const json = parseStrictJson(readKeyText(path));
  if (json.kind === 'fault') return bad(json.why);
  const jwk = json.value;
  if (typeof jwk === 'object' && jwk !== null && 'keys' in jwk) {
    return bad('a set of public keys cannot sign', 'give the NAME.key.json that belongs to it with --key');
  }
  if (!isEd25519Jwk(jwk)) return bad('expected an Ed25519 private key (a JWK with kty, crv, kid, x and d)');
  if (jwk.d === undefined)
    return bad('a public key cannot sign', 'give the NAME.key.json that belongs to it with --key');
  const mode = fs.statSync(path).mode & 0o777;
  if ((mode & OPEN_TO_OTHERS) !== 0) {
    return bad(
      `mode 0${mode.toString(8)}: others on this machine may take this private key`,
      `chmod 600 ${path}, and think about whether somebody has read it`,
    );
  }
  const key = await importJWK({ ...jwk, alg: 'EdDSA' }, 'EdDSA').catch((error: unknown) => bad(String(error)));
  return { jwk, key };
}

/** The text of a key file. Throws {@link SaidError} (exit 2) if it cannot be read. */
export function readKeyText(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new SaidError(
      EXIT.usage,
      `${path}: cannot be read: ${code}`,
      'look at the path and at who may read the file',
    );
  }
}

/** True for a JWK of Ed25519, public or private. */
export function isEd25519Jwk(value: unknown): value is Ed25519Jwk {
  if (typeof value !== 'object' || value === null) return false;
  const is = (key: string, fits: (member: unknown) => boolean) =>
    fits(Object.entries(value).find(([name]) => name === key)?.[1]);
  const isKey = (member: unknown) => typeof member === 'string' && /^[A-Za-z0-9_-]{43}$/.test(member);
  return (
    is('kty', (member) => member === 'OKP') &&
    is('crv', (member) => member === 'Ed25519') &&
    is('kid', (member) => typeof member === 'string' && member !== '') &&
    is('x', isKey) &&
    is('d', (member) => member === undefined || isKey(member)) &&
    is('role', (member) => member === undefined || member === 'root' || member === 'push')
  );
}
