import { createHash, randomUUID } from 'node:crypto';
import { parseUpdate, updatePayload } from '../values/document.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import type { Address, Layer } from '../values/topics.ts';
import {
  type Confirm,
  DOCUMENT_MAX_BYTES,
  type Expectation,
  type Update,
  type UpdateFile,
  type When,
} from '../values/update.ts';
import type { Signer } from './signer.ts';

/** A file of an update to be: with its content, or (null) to be removed. With `url` the content is fetched from there. */
export interface FileToSend {
  readonly name: string;
  readonly bytes: Uint8Array | null;
  readonly url?: string | undefined;
}

/**
 * What an operator wants to say; times are epoch seconds. `files` null: take back what was said before; those of an update that was
 * signed before will do too.
 */
export interface Wish {
  readonly config: string;
  readonly address: Address;
  readonly layer: Layer;
  readonly version: number;
  readonly iat: number;
  readonly files: readonly (FileToSend | UpdateFile)[] | null;
  readonly until?: number | undefined;
  readonly exp?: number | undefined;
  readonly expect?: Expectation | undefined;
  readonly when?: When | undefined;
  readonly confirm?: Confirm | undefined;
  readonly retry?: true | undefined;
  readonly rollout?: string | undefined;
  readonly note?: string | undefined;
}

/** What to do about files that do not fit into a message. */
export const BY_URL = '--url NAME=https://… for the large ones: devices fetch those themselves, up to 8 MiB';

/** An update and its signed form. */
export interface SignedUpdate {
  readonly update: Update;
  readonly jws: string;
}

/** Makes and signs an update. Throws {@link SaidError} if a device would not even read it: wrong shape, or over 128 KiB. */
export async function signWish(wish: Wish, signer: Signer): Promise<SignedUpdate> {
  const { files, until, exp, expect, when, confirm, retry, rollout, note, address, ...rest } = wish;
  const update = parseUpdate(
    updatePayload({
      v: 1,
      id: randomUUID(),
      aud: address,
      ...rest,
      ...(until === undefined ? {} : { until }),
      ...(exp === undefined ? {} : { exp }),
      ...(expect === undefined ? {} : { expect }),
      ...(when === undefined ? {} : { when }),
      ...(confirm === undefined ? {} : { confirm }),
      ...(retry === undefined ? {} : { retry }),
      ...(rollout === undefined ? {} : { rollout }),
      ...(note === undefined ? {} : { note }),
      withdraw: files === null,
      files: (files ?? []).map(toUpdateFile),
    }),
  );
  if ('kind' in update) {
    throw new SaidError(
      EXIT.usage,
      `the update cannot be signed: ${update.reason} (${update.code})`,
      'locksmith sign --help',
    );
  }
  const jws = await signer.sign(update);
  if (jws.length > DOCUMENT_MAX_BYTES) {
    const why = `the signed update has ${jws.length} bytes, more than the ${DOCUMENT_MAX_BYTES} (128 KiB) a device takes`;
    throw new SaidError(EXIT.failed, why, BY_URL);
  }
  return { update, jws };
}

/** Puts a file into an update: by its address, else as text if it is UTF-8, else as base64. One that was in an update already stays as it is. */
function toUpdateFile(file: FileToSend | UpdateFile): UpdateFile {
  if (!('bytes' in file)) return file;
  const { name, bytes, url } = file;
  if (bytes === null) return { name, absent: true };
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (url !== undefined) return { name, digest, url, size: bytes.length };
  const text = Buffer.from(bytes).toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes);
  return isText
    ? { name, digest, encoding: 'utf8', content: text }
    : { name, digest, encoding: 'base64', content: Buffer.from(bytes).toString('base64') };
}
