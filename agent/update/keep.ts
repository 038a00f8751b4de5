import type { Files } from '../ports/files.ts';
import type { Sha256 } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import { digestOf, type FileContent } from './content.ts';
import type { Kept } from './ledger.ts';

/** Contents of configs put by under the state directory, each file once under its digest. */
export interface Keeper {
  /** Writes the contents durably and returns the record that refers to them. */
  keep(config: string, why: Kept['why'], digest: string, contents: readonly FileContent[]): Promise<Kept>;
  /** Reads them back. Throws Failure io if one is gone or no longer what it was. */
  read(kept: Kept): readonly FileContent[];
  /** Removes every content that no record refers to any more. */
  sweep(inUse: readonly Kept[]): void;
}

/** Opens the store in `dir`. */
export function openKeeper(files: Files, sha256: Sha256, dir: string): Keeper {
  const pathOf = (digest: string) => `${dir}/${digest.slice('sha256:'.length)}`;
  return {
    async keep(config, why, digest, contents) {
      if (files.stat('commit.keep', dir) === null) {
        files.makeDir('commit.keep', dir, 0o700);
        // A content in a directory that a power cut takes away is not kept.
        await files.syncDir('commit.keep', dir.slice(0, dir.lastIndexOf('/')));
      }
      const kept: { name: string; digest: string | null }[] = [];
      for (const { name, bytes } of contents) {
        const own = bytes === null ? null : digestOf(bytes, sha256);
        kept.push({ name, digest: own });
        if (bytes === null || own === null) continue;
        // One that is there already may be damaged by now, or not be durable yet: a crash can come between rename and sync.
        await files.writeDurably('commit.keep', pathOf(own), bytes, 0o600);
      }
      return { config, why, digest, files: kept };
    },
    read: (kept) =>
      kept.files.map(({ name, digest }) => {
        const bytes = digest === null ? null : files.read('commit.keep', pathOf(digest));
        if (digest === null) return { name, bytes };
        if (bytes !== null && digestOf(bytes, sha256) === digest) return { name, bytes };
        const path = pathOf(digest);
        const why = bytes === null ? 'is gone' : 'is damaged';
        throw new Failure('io', 'commit.keep', path, `${path}: the kept content of ${name} ${why}`, { retry: true });
      }),
    sweep(inUse) {
      const wanted = new Set(inUse.flatMap((kept) => kept.files.flatMap(({ digest }) => digest ?? [])));
      for (const name of files.list('commit.keep', dir)) {
        if (!wanted.has(`sha256:${name}`)) files.remove('commit.keep', `${dir}/${name}`);
      }
    },
  };
}
