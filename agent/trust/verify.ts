import type { Ed25519 } from '../ports/world.ts';
import { type Command, commandId, parseCommand } from '../values/command.ts';
import { parseUpdate } from '../values/document.ts';
import { type Refusal, refuse } from '../values/errors.ts';
import { type Halt, parseHalt } from '../values/halt.ts';
import type { ClockTrust } from '../values/report.ts';
import { DOCUMENT_MAX_BYTES, type DOCUMENT_TYPES, type Update } from '../values/update.ts';
import { base64url, isBase64url, readHeader, readPayload, SIGNATURE } from './jws.ts';
import type { KeyRing, TrustKey } from './keys.ts';
import { mayCommand, mayHalt, mayUpdate } from './may.ts';

/** A document whose signature is good; nobody has looked at what it says yet. */
export interface Verified {
  readonly kind: 'verified';
  readonly kid: string;
  readonly key: TrustKey;
  readonly payload: unknown;
}

/** An update whose signature is good, whose shape is right, and whose signer may sign it. */
export interface VerifiedUpdate {
  readonly kind: 'update';
  readonly kid: string;
  readonly update: Update;
}

/** A command whose signature is good, whose shape is right, and whose signer may sign it. */
export interface VerifiedCommand {
  readonly kind: 'command';
  readonly kid: string;
  readonly command: Command;
}

/** A halt whose signature is good, whose shape is right, and whose signer may sign it. */
export interface VerifiedHalt {
  readonly kind: 'halt';
  readonly kid: string;
  readonly halt: Halt;
}

/** What a document is verified with. */
export interface VerifyWith {
  readonly nowS: number;
  readonly clock: ClockTrust;
  readonly ed25519: Ed25519;
}

/** A refusal; `signed` says whether a key the device trusts stands behind the document. */
export type SignedRefusal = Refusal & { readonly signed: boolean };

/**
 * Verifies a compact JWS. Cheap looks come first, so that a flood of garbage costs next to nothing: malformed, bad-type,
 * bad-algorithm, unknown-key, bad-signature, then malformed once more for the payload. Never throws.
 */
export function verifyDocument(
  jws: string,
  type: keyof typeof DOCUMENT_TYPES,
  ring: KeyRing,
  ed25519: Ed25519,
): Verified | SignedRefusal {
  const key = findKey(jws, type, ring);
  if (key.kind === 'refusal') return { ...key, signed: false };
  const bytes = verifiedBytes(jws, key.key, ed25519);
  if (bytes === null) {
    const why = `the signature does not fit the document under key ${key.key.kid}`;
    return { ...refuse('bad-signature', why), signed: false };
  }
  const json = readPayload(bytes);
  if (json.kind === 'refusal') return { ...json, signed: true };
  return { kind: 'verified', kid: key.key.kid, key: key.key, payload: json.value };
}

/** {@link verifyDocument} for an update, then its shape, then whether its signer may sign it. Never throws. */
export function verifyUpdate(jws: string, ring: KeyRing, context: VerifyWith): VerifiedUpdate | SignedRefusal {
  const verified = verifyDocument(jws, 'update', ring, context.ed25519);
  if (verified.kind === 'refusal') return verified;
  const update = parseUpdate(verified.payload);
  const refusal = 'kind' in update ? update : mayUpdate(verified.key, update, context);
  if (refusal !== null) return { ...refusal, signed: true };
  return 'kind' in update ? { ...update, signed: true } : { kind: 'update', kid: verified.kid, update };
}

/** {@link verifyDocument} for a halt, likewise. Never throws. */
export function verifyHalt(jws: string, ring: KeyRing, context: VerifyWith): VerifiedHalt | SignedRefusal {
  const verified = verifyDocument(jws, 'halt', ring, context.ed25519);
  if (verified.kind === 'refusal') return verified;
  const halt = parseHalt(verified.payload);
  const refusal = 'kind' in halt ? halt : mayHalt(verified.key, halt, context);
  if (refusal !== null) return { ...refusal, signed: true };
  return 'kind' in halt ? { ...halt, signed: true } : { kind: 'halt', kid: verified.kid, halt };
}

/** {@link verifyDocument} for a command, likewise. `id` of a refusal is what a signed one calls itself, where it can be read. */
export function verifyCommand(
  jws: string,
  ring: KeyRing,
  context: VerifyWith,
): VerifiedCommand | (SignedRefusal & { readonly id: string | null }) {
  const verified = verifyDocument(jws, 'command', ring, context.ed25519);
  if (verified.kind === 'refusal') return { ...verified, id: null };
  const command = parseCommand(verified.payload);
  const refusal = 'kind' in command ? command : mayCommand(verified.key, command, context);
  if (refusal !== null) return { ...refusal, signed: true, id: commandId(verified.payload) };
  if ('kind' in command) return { ...command, signed: true, id: commandId(verified.payload) };
  return { kind: 'command', kid: verified.kid, command };
}

/** Everything that can be said of a document without touching its signature: its key, or why it is refused. */
function findKey(
  jws: string,
  type: keyof typeof DOCUMENT_TYPES,
  ring: KeyRing,
): { readonly kind: 'key'; readonly key: TrustKey } | Refusal {
  if (jws.length > DOCUMENT_MAX_BYTES) {
    return refuse('too-large', `${jws.length} bytes, more than the ${DOCUMENT_MAX_BYTES} allowed`);
  }
  const [head = '', body = '', signature, ...rest] = jws.split('.', 4);
  if (signature === undefined || rest.length > 0 || head === '' || body === '') {
    return refuse('malformed', 'not three base64url parts with dots between');
  }
  const header = readHeader(head, type);
  if (header.kind === 'refusal') return header;
  const { kid } = header;
  const key = ring.find(kid);
  if (key === null) return refuse('unknown-key', `kid '${kid}' is not among the keys this device trusts`);
  if (!isBase64url(body)) return refuse('malformed', 'the payload is not base64url');
  if (!SIGNATURE.test(signature)) return refuse('bad-signature', 'the signature is not 64 bytes in base64url');
  return { kind: 'key', key };
}

/** The payload if the signature is good, else null. */
function verifiedBytes(jws: string, key: TrustKey, ed25519: Ed25519): Uint8Array | null {
  const dot = jws.lastIndexOf('.');
  const signed = new TextEncoder().encode(jws.slice(0, dot));
  if (!ed25519(key.x, signed, base64url(jws.slice(dot + 1)))) return null;
  return base64url(jws.slice(jws.indexOf('.') + 1, dot));
}
