import type { Frame } from '../ports/broker.ts';
import type { Sha256 } from '../ports/world.ts';
import { type Refusal, refuse } from '../values/errors.ts';
import { printable } from '../values/printable.ts';
import { type Address, type Layer, parseDesiredTopic } from '../values/topics.ts';
import { DOCUMENT_MAX_BYTES } from '../values/update.ts';

/** A message on an update's topic, before anybody believed it. */
export interface Envelope {
  readonly jws: string;
  /** SHA-256 of the signed form, hex. */
  readonly hash: string;
  /** Where it was published; null if it came from a file and its own `aud` must do. */
  readonly place: { readonly address: Address; readonly config: string; readonly layer: Layer } | null;
}

/** What a message turned out to be: a document, an empty payload ("no opinion"), or a refusal. */
export type Parsed = ({ readonly kind: 'document' } & Envelope) | { readonly kind: 'empty' } | Refusal;

const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/** Looks at the size and shape of a signed document; where it came from is `place`. Pure. */
export function parseDocument(payload: Uint8Array, place: Envelope['place'], sha256: Sha256): Parsed {
  if (payload.length > DOCUMENT_MAX_BYTES) {
    return refuse('too-large', `${payload.length} bytes, more than the ${DOCUMENT_MAX_BYTES} allowed`);
  }
  const jws = new TextDecoder('latin1').decode(payload).trim();
  if (!COMPACT_JWS.test(jws)) return refuse('malformed', 'not three base64url parts with dots between');
  return { kind: 'document', jws, hash: sha256(jws), place };
}

/** Reads a message from the broker. Pure. */
export function parseFrame(frame: Frame, root: string, sha256: Sha256): Parsed {
  const place = parseDesiredTopic(root, frame.topic);
  if (place === null) return refuse('wrong-topic', `no update belongs on the topic ${printable(frame.topic, 256)}`);
  if (frame.payload.length === 0) return { kind: 'empty' };
  return parseDocument(frame.payload, place, sha256);
}
