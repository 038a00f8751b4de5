import type { Files, Sha256 } from '../ports.ts';
import { digestOf, type FileContent } from './content.ts';
import type { Kept } from './ledger.ts';

/** Contents of configs put by under the state directory, each file once under its digest. */
export interface Keeper {
  /** Writes the contents durably and returns the record that refers to them. */
  keep(config: string, why: Kept['why'], digest: string, contents: readonly FileContent[]): Promise<Kept>;
  /** Reads them back; throws if one is gone. */
  read(kept: Kept): readonly FileContent[];
  /** Removes every content that no record refers to any more. */
  sweep(inUse: readonly Kept[]): void;
}

/** Opens the store in `dir`. */
export function openKeeper(files: Files, sha256: Sha256, dir: string): Keeper {
  const pathOf = (digest: string) => `${dir}/${digest.slice('sha256:'.length)}`;
  return {
    async keep(config, why, digest, contents) {
      files.makeDir('commit.keep', dir, 0o700);
      const kept: { name: string; digest: string | null }[] = [];
      for (const { name, bytes } of contents) {
        const own = bytes === null ? null : digestOf(bytes, sha256);
        kept.push({ name, digest: own });
        if (bytes !== null && own !== null && files.stat('commit.keep', pathOf(own)) === null) {
          await files.writeDurably('commit.keep', pathOf(own), bytes, 0o600);
        }
      }
      return { config, why, digest, files: kept };
    },
    read: (kept) =>
      kept.files.map(({ name, digest }) => {
        const bytes = digest === null ? null : files.read('commit.keep', pathOf(digest));
        if (digest !== null && bytes === null) throw new Error(`${pathOf(digest)}: kept content of ${name} is gone`);
        return { name, bytes };
      }),
    sweep(inUse) {
      const wanted = new Set(inUse.flatMap((kept) => kept.files.flatMap(({ digest }) => digest ?? [])));
      for (const name of files.list('commit.keep', dir)) {
        if (!wanted.has(`sha256:${name}`)) files.remove('commit.keep', `${dir}/${name}`);
      }
    },
  };
}
