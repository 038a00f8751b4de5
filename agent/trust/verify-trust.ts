import type { Ed25519 } from '../ports/world.ts';
import { type Refusal, refuse } from '../values/errors.ts';
import type { ClockTrust } from '../values/report.ts';
import type { Address } from '../values/topics.ts';
import { parseTrust, rootsOf, type TrustDocument } from './document.ts';
import { type GeneralJws, readGeneral } from './general.ts';
import { base64url, readPayload } from './jws.ts';
import type { KeyRing, TrustKey } from './keys.ts';
import { lifeOf, mayTrust } from './may.ts';
import type { SignedRefusal } from './verify.ts';

/** A trust document that this device may take over: its own roots stand behind it, and the new ones too. */
export interface VerifiedTrust {
  readonly kind: 'trust';
  readonly document: TrustDocument;
  /** Ids of the device's root keys that signed it. */
  readonly kids: readonly string[];
  /** The payload as it was signed: two documents with the same one say the same, whoever else has signed. */
  readonly payload: string;
}

/** What a trust document is verified with. */
export interface VerifyTrustWith {
  readonly ring: KeyRing;
  readonly nowS: number;
  readonly clock: ClockTrust;
  readonly ed25519: Ed25519;
  /** The address it was published to, and those of the device. */
  readonly address: Address;
  readonly addresses: readonly Address[];
}

/**
 * Verifies a trust document: form and headers; a root key the device trusts has signed; the payload; audience; a root that is valid
 * is left; and, where the roots change, the new ones have signed too. Never throws.
 */
export function verifyTrust(text: string, context: VerifyTrustWith): VerifiedTrust | SignedRefusal {
  const jws = readGeneral(text, 'trust');
  if (jws.kind === 'refusal') return { ...jws, signed: false };
  const signers = signedByRoots(jws, context);
  if ('kind' in signers) return { ...signers, signed: false };
  const payload = readPayload(base64url(jws.payload));
  const document = payload.kind === 'refusal' ? payload : parseTrust(payload.value);
  if ('kind' in document) return { ...document, signed: true };
  const refusal = checkTrust(jws, document, signers, context);
  if (refusal !== null) return { ...refusal, signed: true };
  return { kind: 'trust', document, kids: signers.map(({ kid }) => kid), payload: jws.payload };
}

/** The root keys of the device that signed and are valid; a bad signature in the name of one of its keys spoils the document. */
function signedByRoots(jws: GeneralJws, context: VerifyTrustWith): readonly TrustKey[] | Refusal {
  const { ring } = context;
  const roots: TrustKey[] = [];
  let why: Refusal | null = null;
  for (const { kid } of jws.signatures) {
    const key = ring.find(kid);
    // Devices that were away may know other keys: what this one does not know is none of its business.
    if (key === null) continue;
    if (key.role !== 'root') {
      why ??= refuse('key-not-allowed', `key ${kid} is a push key, which signs no trust documents`);
      continue;
    }
    if (!isSignedBy(jws, key, context.ed25519)) return badSignature(kid);
    const dead = lifeOf(key, null, context);
    if (dead === null) roots.push(key);
    else why ??= dead;
  }
  if (roots.length > 0) return roots;
  const known = rootsOf(ring).map(({ kid }) => kid);
  const need = known.length === 0 ? 'it trusts no root key' : `its root keys are ${known.join(', ')}`;
  return why ?? refuse('unknown-key', `signed by no root key of this device: ${need}`);
}

function checkTrust(
  jws: GeneralJws,
  document: TrustDocument,
  signers: readonly TrustKey[],
  context: VerifyTrustWith,
): Refusal | null {
  const { ring, address, addresses } = context;
  if (document.aud !== null && document.aud !== address) {
    return refuse('wrong-audience', `signed for ${document.aud}, published to ${address}`);
  }
  if (!addresses.includes(address)) {
    return refuse('wrong-audience', `published to ${address}, which is no address of this device`);
  }
  const allowed = signers.map((key) => mayTrust(key, address));
  const [firstNo] = allowed;
  if (firstNo !== null && firstNo !== undefined && !allowed.includes(null)) return firstNo;
  const reused = document.ring.keys.find(({ kid, x }) => (ring.find(kid)?.x ?? x) !== x);
  if (reused !== undefined) {
    return refuse('malformed', `keys: '${reused.kid}' is the id of another key: a new key needs an id of its own`);
  }
  const roots = rootsOf(document.ring);
  if (!roots.some((key) => lifeOf(key, null, context) === null)) {
    return refuse('no-root', 'keys: no root key in it is valid now: nobody could ever change the keys again');
  }
  return checkNewRoots(jws, document, signers, context);
}

/** Where the roots change, every new one has signed, so that none is there by a slip of the pen; and so has one of those to come. */
function checkNewRoots(
  jws: GeneralJws,
  document: TrustDocument,
  signers: readonly TrustKey[],
  { ring, ed25519 }: VerifyTrustWith,
): Refusal | null {
  const before = rootsOf(ring);
  const after = rootsOf(document.ring);
  const added = after.filter(({ kid }) => !before.some((root) => root.kid === kid));
  for (const key of added) {
    if (!jws.signatures.some(({ kid }) => kid === key.kid)) {
      return refuse('key-not-allowed', `root key ${key.kid} is new and has not signed`);
    }
    if (!isSignedBy(jws, key, ed25519)) return badSignature(key.kid);
  }
  const removed = before.some(({ kid }) => !after.some((root) => root.kid === kid));
  const stays = added.length > 0 || signers.some(({ kid }) => after.some((root) => root.kid === kid));
  return removed && !stays ? refuse('key-not-allowed', 'none of the root keys it leaves has signed') : null;
}

/** True if this key has signed, and its signature is good. */
function isSignedBy(jws: GeneralJws, key: TrustKey, ed25519: Ed25519): boolean {
  const entry = jws.signatures.find(({ kid }) => kid === key.kid);
  if (entry === undefined) return false;
  return ed25519(key.x, new TextEncoder().encode(`${entry.protected}.${jws.payload}`), base64url(entry.signature));
}

function badSignature(kid: string): Refusal {
  return refuse('bad-signature', `the signature of ${kid} does not fit the document`);
}
