import type { AppendFile, Files } from '../ports/files.ts';
import type { Sha256 } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import type { RemoteFile } from '../values/update.ts';
import { digestOf } from './content.ts';

/** What makes two files the same content. */
export type RemoteContent = Pick<RemoteFile, 'digest' | 'size' | 'url'>;

/** A content that comes in, piece by piece. */
export interface Incoming {
  /** Bytes that are here. */
  bytes(): number;
  /** Takes a piece that begins at byte `at`; 0 begins anew. Throws Failure, download-failed if it is more than was signed. */
  take(bytes: Uint8Array, at: number): void;
  /** All has come: keeps it durably. Rejects with Failure download-failed if it is not what was signed; it is forgotten then. */
  finish(): Promise<void>;
  close(): void;
}

/** Contents that were fetched, each under its digest: those that are whole, and those of which a part is here. */
export interface Fetched {
  /** Null unless all of it is here, as it was signed. */
  read(file: RemoteContent): Uint8Array | null;
  /** Opens what is here of it. */
  open(file: RemoteContent): Promise<Incoming>;
  /** Removes what is of none of these digests. */
  sweep(inUse: () => ReadonlySet<string>): void;
}

/** Opens the store in `dir`; nothing is there before the first content comes. */
export function openFetched(files: Files, sha256: Sha256, dir: string): Fetched {
  const pathOf = (digest: string) => `${dir}/${digest.slice('sha256:'.length)}`;
  const partOf = (digest: string) => `${pathOf(digest)}.part`;
  const fits = (bytes: Uint8Array, { digest, size }: RemoteContent) =>
    bytes.length === size && digestOf(bytes, sha256) === digest;

  const incoming = (file: RemoteContent, part: AppendFile): Incoming => {
    const { url, digest, size } = file;
    const wrong = (why: string) =>
      new Failure('download-failed', 'fetch.write', url, `${url}: ${why}`, { retry: true });
    return {
      bytes: part.bytes,
      take(bytes, at) {
        if (at === 0 && part.bytes() > 0) part.truncate('fetch.write', 0);
        if (at !== part.bytes()) throw wrong('the pieces do not fit together');
        if (at + bytes.length > size) {
          part.truncate('fetch.write', 0);
          throw wrong(`has more than the ${size} bytes that were signed`);
        }
        part.append('fetch.write', bytes);
      },
      async finish() {
        if (part.bytes() < size) throw wrong(`has ${part.bytes()} bytes, not the ${size} that were signed`);
        await part.sync('fetch.write');
        const bytes = files.read('fetch.write', partOf(digest)) ?? new Uint8Array();
        if (!fits(bytes, file)) {
          part.truncate('fetch.write', 0);
          throw wrong(`has ${digestOf(bytes, sha256)}, not the ${digest} that was signed`);
        }
        files.rename('fetch.write', partOf(digest), pathOf(digest));
        await files.syncDir('fetch.write', dir);
      },
      close: part.close,
    };
  };

  return {
    read(file) {
      const bytes = files.read('fetch.write', pathOf(file.digest), file.size);
      return bytes !== null && fits(bytes, file) ? bytes : null;
    },
    async open(file) {
      if (files.stat('fetch.write', dir) === null) {
        files.makeDir('fetch.write', dir, 0o700);
        // A content in a directory that a power cut takes away is not kept.
        await files.syncDir('fetch.write', dir.slice(0, dir.lastIndexOf('/')));
      }
      const part = await files.openAppend('fetch.write', partOf(file.digest), 0o600);
      // A part of another content cannot have this name, but more than was signed cannot be a part.
      if (part.bytes() > file.size) part.truncate('fetch.write', 0);
      return incoming(file, part);
    },
    sweep(inUse) {
      const names = files.list('fetch.sweep', dir);
      if (names.length === 0) return;
      const wanted = inUse();
      for (const name of names) {
        if (!wanted.has(`sha256:${name.replace(/\.part$/, '')}`)) files.remove('fetch.sweep', `${dir}/${name}`);
      }
    },
  };
}
