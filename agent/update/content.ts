import type { Sha256 } from '../ports/world.ts';
import { configDigest } from '../values/digest.ts';
import type { InlineFile, RemoteFile, Update, UpdateFile } from '../values/update.ts';

/** A file's base name and its bytes; null where the file is absent. */
export interface FileContent {
  readonly name: string;
  readonly bytes: Uint8Array | null;
}

/** `sha256:` and the hex digest of `bytes`. */
export function digestOf(bytes: Uint8Array, sha256: Sha256): string {
  return `sha256:${sha256(bytes)}`;
}

/** The bytes of a file in an update. */
export function bytesOf(file: Pick<InlineFile, 'encoding' | 'content'>): Uint8Array {
  return file.encoding === 'utf8'
    ? new TextEncoder().encode(file.content)
    : new Uint8Array(Buffer.from(file.content, 'base64'));
}

function isFile(value: unknown): value is UpdateFile {
  if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string') return false;
  if ('absent' in value) return value.absent === true;
  if ('url' in value) return typeof value.url === 'string' && 'size' in value && typeof value.size === 'number';
  if (!('encoding' in value && 'content' in value)) return false;
  return (value.encoding === 'utf8' || value.encoding === 'base64') && typeof value.content === 'string';
}

/** The files a signed update asks for. It was checked through and through before it was held: only its files are read here. */
export function filesOf(jws: string): readonly UpdateFile[] {
  const payload: unknown = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());
  const files: unknown = typeof payload === 'object' && payload !== null && 'files' in payload ? payload.files : null;
  if (!Array.isArray(files) || !files.every(isFile)) throw new Error('a held update cannot be read');
  return files;
}

/** The files among these whose content is fetched. */
export function remoteOf(files: readonly UpdateFile[]): readonly RemoteFile[] {
  return files.flatMap((file) => ('url' in file ? [file] : []));
}

/** The digest of the config an update asks for; null for a tombstone. */
export function updateDigest(update: Update, sha256: Sha256): string | null {
  if (update.withdraw) return null;
  const files = update.files.map((file) => ({ name: file.name, digest: 'absent' in file ? null : file.digest }));
  return configDigest(files, sha256);
}
