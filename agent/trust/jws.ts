import { type Refusal, refuse } from '../values/errors.ts';
import { parseStrictJson } from '../values/json.ts';
import { printable } from '../values/printable.ts';
import { DOCUMENT_TYPES } from '../values/update.ts';

/** The protected header of a signature that may be looked at: the right type and algorithm, and a key id. */
export interface JwsHeader {
  readonly kind: 'header';
  readonly kid: string;
}

/** 64 bytes in base64url, with the unused bits at the end zero: one signature has one spelling. */
export const SIGNATURE = /^[A-Za-z0-9_-]{85}[AQgw]$/;

/** Ours have 60 to 250 characters; a longer one only costs. */
const HEADER_MAX_CHARS = 1024;
const BASE64URL = /^[A-Za-z0-9_-]*$/;
const HEADER_MEMBERS = ['alg', 'typ', 'kid'];
const KEY_MEMBERS = ['jwk', 'jku', 'x5c', 'x5u', 'x5t', 'x5t#S256'];
const KID = /^[\x21-\x7e]{1,128}$/;

/** True for base64url without padding. */
export function isBase64url(text: string): boolean {
  return BASE64URL.test(text) && text.length % 4 !== 1;
}

/** The bytes of a text that was seen to be base64url. */
export function base64url(text: string): Uint8Array {
  return Buffer.from(text, 'base64url');
}

/**
 * Reads a protected header by a list of its own: three members, one algorithm, one type; the document chooses nothing (RFC 8725).
 * Malformed, unknown-field, bad-type, bad-algorithm, unknown-key.
 */
export function readHeader(head: string, type: keyof typeof DOCUMENT_TYPES): JwsHeader | Refusal {
  if (head.length > HEADER_MAX_CHARS) return refuse('malformed', `a header of ${head.length} characters`);
  if (!isBase64url(head)) return refuse('malformed', 'the header is not base64url');
  const json = parseStrictJson(new TextDecoder().decode(base64url(head)));
  if (json.kind === 'fault') return refuse('malformed', `header: ${json.why}`);
  const value = json.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('malformed', 'header: not an object');
  for (const member of Object.keys(value)) {
    if (HEADER_MEMBERS.includes(member)) continue;
    if (KEY_MEMBERS.includes(member))
      return refuse('malformed', `header: ${member}: a document does not bring its own key`);
    if (member === 'crit' || member === 'b64')
      return refuse('malformed', `header: ${member}: extensions are not taken`);
    return refuse('unknown-field', `header: ${printable(member, 64)}`);
  }
  const at = (member: string): unknown => Object.entries(value).find(([key]) => key === member)?.[1];
  const typ = at('typ');
  const alg = at('alg');
  const kid = at('kid');
  if (typ !== DOCUMENT_TYPES[type]) return refuse('bad-type', `typ ${say(typ)}, expected ${DOCUMENT_TYPES[type]}`);
  if (alg !== 'EdDSA') return refuse('bad-algorithm', `alg ${say(alg)}, expected EdDSA (Ed25519)`);
  if (kid === undefined) return refuse('unknown-key', 'the header names no key (kid)');
  if (typeof kid !== 'string' || !KID.test(kid)) return refuse('unknown-key', `kid ${say(kid)} is the id of no key`);
  return { kind: 'header', kid };
}

/** The JSON of a payload whose signature is good; malformed if it is none. */
export function readPayload(bytes: Uint8Array): { readonly kind: 'json'; readonly value: unknown } | Refusal {
  const text = decodeUtf8(bytes);
  if (text === null) return refuse('malformed', 'payload: not UTF-8');
  const json = parseStrictJson(text);
  return json.kind === 'fault' ? refuse('malformed', `payload: ${json.why}`) : json;
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function say(value: unknown): string {
  return value === undefined ? 'is missing' : typeof value === 'string' ? `'${printable(value, 128)}'` : typeof value;
}
