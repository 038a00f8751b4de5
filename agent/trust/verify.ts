import { base64url, compactVerify } from 'jose';
import { parseUpdate } from '../values/document.ts';
import { type Refusal, refuse } from '../values/errors.ts';
import { parseStrictJson } from '../values/json.ts';
import { printable } from '../values/printable.ts';
import type { ClockTrust } from '../values/report.ts';
import { DOCUMENT_MAX_BYTES, DOCUMENT_TYPES, type Update } from '../values/update.ts';
import type { KeyRing, TrustKey } from './keys.ts';
import { mayUpdate } from './may.ts';

/** A document whose signature is good; nobody has looked at what it says yet. */
export interface Verified {
  readonly kind: 'verified';
  readonly kid: string;
  readonly key: TrustKey;
  readonly payload: unknown;
}

/** An update whose signature is good, whose shape is right, and whose signer may sign it. */
export interface VerifiedUpdate {
  readonly kind: 'verified-update';
  readonly kid: string;
  readonly update: Update;
}

/** Ours have 60 to 250 characters; a longer one only costs. */
const HEADER_MAX_CHARS = 1024;
const BASE64URL = /^[A-Za-z0-9_-]*$/;
/** 64 bytes in base64url, with the unused bits at the end zero: one signature has one spelling. */
const SIGNATURE = /^[A-Za-z0-9_-]{85}[AQgw]$/;
const HEADER_MEMBERS = ['alg', 'typ', 'kid'];
const KEY_MEMBERS = ['jwk', 'jku', 'x5c', 'x5u', 'x5t', 'x5t#S256'];

/**
 * Verifies a compact JWS. Cheap looks come first, so that a flood of garbage costs next to nothing: malformed, bad-type,
 * bad-algorithm, unknown-key, bad-signature, then malformed once more for the payload. Never throws.
 */
export async function verifyDocument(
  jws: string,
  type: keyof typeof DOCUMENT_TYPES,
  ring: KeyRing,
): Promise<Verified | Refusal> {
  if (jws.length > DOCUMENT_MAX_BYTES) {
    return refuse('too-large', `${jws.length} bytes, more than the ${DOCUMENT_MAX_BYTES} allowed`);
  }
  const [head, body, signature, ...rest] = jws.split('.', 4);
  if (
    head === undefined ||
    body === undefined ||
    signature === undefined ||
    rest.length > 0 ||
    head === '' ||
    body === ''
  ) {
    return refuse('malformed', 'not three base64url parts with dots between');
  }
  const header = readHeader(head);
  if (header.kind === 'refusal') return header;
  if (header.typ !== DOCUMENT_TYPES[type])
    return refuse('bad-type', `typ ${say(header.typ)}, expected ${DOCUMENT_TYPES[type]}`);
  if (header.alg !== 'EdDSA') return refuse('bad-algorithm', `alg ${say(header.alg)}, expected EdDSA (Ed25519)`);
  const key = typeof header.kid === 'string' ? ring.find(header.kid) : null;
  if (key === null) return refuse('unknown-key', `kid ${say(header.kid)} is not among the keys this device trusts`);
  if (!SIGNATURE.test(signature)) return refuse('bad-signature', 'the signature is not 64 bytes in base64url');
  if (!BASE64URL.test(body)) return refuse('malformed', 'the payload is not base64url');
  try {
    const { payload } = await compactVerify(jws, await key.imported(), { algorithms: ['EdDSA'] });
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload);
    const json = parseStrictJson(text);
    if (json.kind === 'fault') return refuse('malformed', `payload: ${json.why}`);
    return { kind: 'verified', kid: key.kid, key, payload: json.value };
  } catch (error) {
    if (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      return refuse('malformed', 'payload: not UTF-8');
    }
    return refuse('bad-signature', `the signature does not fit the document under key ${key.kid}`);
  }
}

/** {@link verifyDocument} for an update, then its shape, then whether its signer may sign it. Never throws. */
export async function verifyUpdate(
  jws: string,
  ring: KeyRing,
  now: { readonly nowS: number; readonly clock: ClockTrust },
): Promise<VerifiedUpdate | Refusal> {
  const verified = await verifyDocument(jws, 'update', ring);
  if (verified.kind === 'refusal') return verified;
  const update = parseUpdate(verified.payload);
  if ('kind' in update) return update;
  return mayUpdate(verified.key, update, now) ?? { kind: 'verified-update', kid: verified.kid, update };
}

type Header = { readonly kind: 'header'; readonly alg: unknown; readonly typ: unknown; readonly kid: unknown };

function readHeader(head: string): Header | Refusal {
  if (head.length > HEADER_MAX_CHARS) return refuse('malformed', `a header of ${head.length} characters`);
  if (!BASE64URL.test(head) || head.length % 4 === 1) return refuse('malformed', 'the header is not base64url');
  const json = parseStrictJson(new TextDecoder().decode(base64url.decode(head)));
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
  return { kind: 'header', alg: at('alg'), typ: at('typ'), kid: at('kid') };
}

function say(value: unknown): string {
  return value === undefined ? 'is missing' : typeof value === 'string' ? `'${printable(value, 128)}'` : typeof value;
}
