import type { Frame } from '../ports/broker.ts';
import { parseUpdate } from '../values/document.ts';
import { parseStrictJson } from '../values/json.ts';
import { type DesiredTopic, parseDesiredTopic } from '../values/topics.ts';

/** An update that the broker keeps, without its files. Its signature is the devices' business. */
export interface KeptDocument extends DesiredTopic {
  readonly id: string;
  readonly version: number;
  /** When it was signed, epoch seconds. */
  readonly iat: number;
  readonly withdraw: boolean;
  readonly rollout: string | null;
  /** End of a shadow, epoch seconds. */
  readonly until: number | null;
}

/** What a compact JWS says, unverified; null if it is none. */
export function bodyOf(payload: Uint8Array): unknown {
  const body = Buffer.from(payload).toString('latin1').split('.')[1] ?? '';
  const json = parseStrictJson(Buffer.from(body, 'base64url').toString('utf8'));
  return json.kind === 'json' ? json.value : null;
}

/** The update kept at a place; null if what is kept there is none. */
export function readKept(payload: Uint8Array, place: DesiredTopic): KeptDocument | null {
  const update = parseUpdate(bodyOf(payload));
  if ('kind' in update) return null;
  const { id, version, iat, withdraw, rollout = null, until = null } = update;
  return { ...place, id, version, iat, withdraw, rollout, until };
}

/** True for what a device would run if nothing stood above it; `nowS` is epoch seconds. */
export function isInForce({ withdraw, until }: KeptDocument, nowS: number): boolean {
  return !withdraw && (until === null || until > nowS);
}

/** All updates that the broker keeps. */
export interface Kept {
  /** The filters of everything it is made of. */
  readonly filters: readonly string[];
  /** Takes a message in; false if it is at no place for an update. */
  take(frame: Frame): boolean;
  all(): readonly KeptDocument[];
}

/** None so far. */
export function openKept(root: string): Kept {
  const documents = new Map<string, KeptDocument>();
  return {
    filters: ['dev/+', 'grp/+', 'all'].map((address) => `${root}/v1/${address}/desired/+/+`),
    take({ topic, payload }) {
      const place = parseDesiredTopic(root, topic);
      if (place === null) return false;
      const document = readKept(payload, place);
      if (document === null) documents.delete(topic);
      else documents.set(topic, document);
      return true;
    },
    all: () => [...documents.values()],
  };
}
