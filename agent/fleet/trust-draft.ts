import { parseTrust, rootsOf, type TrustDocument } from '../trust/document.ts';
import { type GeneralJws, readGeneral } from '../trust/general.ts';
import { base64url, readPayload } from '../trust/jws.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { isFields } from '../values/fields.ts';
import { parseStrictJson } from '../values/json.ts';
import type { Address } from '../values/topics.ts';

/** A trust document, signed by some, or by nobody yet. */
export interface TrustDraft {
  readonly jws: GeneralJws;
  readonly document: TrustDocument;
  /** The keys as they stand in it. */
  readonly keys: readonly unknown[];
}

/** What a new trust document is made of. */
export interface TrustWish {
  /** JWKs to begin with. */
  readonly keys: readonly unknown[];
  /** JWKs that come in; one of the same id takes the place of the one before. */
  readonly add: readonly unknown[];
  /** Ids of keys that go. */
  readonly remove: readonly string[];
  readonly version: number;
  readonly address: Address;
  readonly note: string | undefined;
}

/** Reads a trust document or a draft of one. Throws {@link SaidError} (exit 2). */
export function readDraft(text: string, path: string): TrustDraft {
  const bad = (why: string): never => {
    throw new SaidError(EXIT.usage, `${path}: ${why}`, 'make it with: locksmith keys compose');
  };
  const jws = readGeneral(text.trim(), 'trust', true);
  if (jws.kind === 'refusal') return bad(`${jws.reason} (${jws.code})`);
  const payload = readPayload(base64url(jws.payload));
  if (payload.kind === 'refusal') return bad(payload.reason);
  const document = parseTrust(payload.value);
  if ('kind' in document) return bad(`${document.reason} (${document.code})`);
  const keys = isFields(payload.value) && Array.isArray(payload.value.keys) ? payload.value.keys : [];
  return { jws, document, keys };
}

/** The keys of a JWKS or of a trust document, as they stand there, and the version (0: a JWKS has none). Throws {@link SaidError} (exit 2). */
export function readKeysOf(
  text: string,
  path: string,
): { readonly keys: readonly unknown[]; readonly version: number } {
  const json = parseStrictJson(text);
  if (json.kind === 'json' && isFields(json.value) && Array.isArray(json.value.keys)) {
    return { keys: json.value.keys, version: 0 };
  }
  const { keys, document } = readDraft(text, path);
  return { keys, version: document.version };
}

function kidOf(jwk: unknown): unknown {
  return isFields(jwk) ? jwk.kid : undefined;
}

/** Makes a draft that nobody has signed. Throws {@link SaidError} (exit 2) if devices would refuse it whoever signs. */
export function composeTrust({ keys, add, remove, version, address, note }: TrustWish): string {
  const bad = (why: string, remedy = 'locksmith keys --help'): never => {
    throw new SaidError(EXIT.usage, `keys compose: ${why}`, remedy);
  };
  const strange = remove.find((kid) => !keys.some((jwk) => kidOf(jwk) === kid));
  if (strange !== undefined) bad(`--remove: no key '${strange}' is in it`, 'locksmith keys list FILE');
  const added = add.map(kidOf);
  const kept = keys.filter((jwk) => !added.includes(kidOf(jwk)) && !remove.some((kid) => kid === kidOf(jwk)));
  const payload = { v: 1, version, aud: address, ...(note === undefined ? {} : { note }), keys: [...kept, ...add] };
  const document = parseTrust(payload);
  if ('kind' in document) return bad(`${document.reason} (${document.code})`);
  if (rootsOf(document.ring).length === 0) {
    return bad('no root key is in it: devices refuse that (no-root)', 'locksmith keys new NAME --root, and --add it');
  }
  return draftText(Buffer.from(JSON.stringify(payload)).toString('base64url'), []);
}

/** A draft or document as it is written to a file. */
export function draftText(
  payload: string,
  signatures: readonly { readonly protected: string; readonly signature: string }[],
): string {
  return JSON.stringify({
    payload,
    signatures: signatures.map((one) => ({ protected: one.protected, signature: one.signature })),
  });
}
