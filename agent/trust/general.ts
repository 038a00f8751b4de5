import { type Refusal, refuse } from '../values/errors.ts';
import { parseStrictJson } from '../values/json.ts';
import { printable } from '../values/printable.ts';
import { DOCUMENT_MAX_BYTES, type DOCUMENT_TYPES } from '../values/update.ts';
import { isBase64url, readHeader, SIGNATURE } from './jws.ts';

/** One of the signatures under a payload. All are base64url, as they stand there. */
export interface GeneralSignature {
  readonly kid: string;
  readonly protected: string;
  readonly signature: string;
}

/** A JWS in general JSON form (RFC 7515, 7.2.1): one payload, several signatures, each with a header of its own. */
export interface GeneralJws {
  readonly kind: 'general';
  /** Base64url, as it stands there. */
  readonly payload: string;
  readonly signatures: readonly GeneralSignature[];
}

/** Most signatures under one document: each costs a look. */
const SIGNATURES_MAX = 16;

/**
 * Reads the form, and every header by the list of {@link readHeader}; no signature is looked at. `drafts`: also one that nobody has
 * signed yet. Pure.
 */
export function readGeneral(text: string, type: keyof typeof DOCUMENT_TYPES, drafts = false): GeneralJws | Refusal {
  if (text.length > DOCUMENT_MAX_BYTES) {
    return refuse('too-large', `${text.length} bytes, more than the ${DOCUMENT_MAX_BYTES} allowed`);
  }
  const json = parseStrictJson(text);
  if (json.kind === 'fault') return refuse('malformed', `${json.why}; expected a JWS in general JSON form`);
  if (!isFields(json.value)) return refuse('malformed', 'not a JWS in general JSON form');
  const { payload, signatures, ...more } = json.value;
  const strange = Object.keys(more)[0];
  if (strange !== undefined) return refuse('unknown-field', `${printable(strange, 64)}: not in the form`);
  if (typeof payload !== 'string' || payload === '' || !isBase64url(payload)) {
    return refuse('malformed', 'payload: not base64url');
  }
  if (!Array.isArray(signatures) || signatures.length > SIGNATURES_MAX) {
    return refuse('malformed', `signatures: expected 1 to ${SIGNATURES_MAX}`);
  }
  if (signatures.length === 0 && !drafts) return refuse('malformed', 'signatures: nobody has signed it');
  const read: GeneralSignature[] = [];
  for (const [index, entry] of signatures.entries()) {
    const signature = readSignature(entry, type);
    if ('kind' in signature) return { ...signature, reason: `signatures[${index}]: ${signature.reason}` };
    if (read.some(({ kid }) => kid === signature.kid)) {
      return refuse('malformed', `signatures[${index}]: '${signature.kid}' has signed twice`);
    }
    read.push(signature);
  }
  return { kind: 'general', payload, signatures: read };
}

function readSignature(entry: unknown, type: keyof typeof DOCUMENT_TYPES): GeneralSignature | Refusal {
  if (!isFields(entry)) return refuse('malformed', 'expected an object');
  const { protected: head, signature, ...more } = entry;
  const strange = Object.keys(more)[0];
  if (strange === 'header') return refuse('malformed', 'header: what is not signed is not taken');
  if (strange !== undefined) return refuse('unknown-field', `${printable(strange, 64)}: not in the form`);
  if (typeof head !== 'string' || typeof signature !== 'string') {
    return refuse('malformed', 'expected `protected` and `signature`');
  }
  const header = readHeader(head, type);
  if (header.kind === 'refusal') return header;
  if (!SIGNATURE.test(signature)) return refuse('bad-signature', 'not 64 bytes in base64url');
  return { kid: header.kid, protected: head, signature };
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
