import type { Op } from '../values/ops.ts';

/** The files of configs, which belong to others. Throws {@link Failure} like {@link Files}. */
export interface Targets {
  /**
   * Opens the directory of a config file. Every directory on the way must be writable only by root, the agent or the file's
   * owner (sticky is fine), and no part a symlink (with `follow`: only links made by root), else Failure unsafe-path.
   */
  open(op: Op, path: string, how: { readonly follow: boolean }): Target;
}

/** Who may do what with a file. */
export interface FileLook {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** One config file, reached through its directory held open, so that nobody can swap it between a check and its use. */
export interface Target {
  /** A path to a name in this very directory, whatever the directory is called meanwhile; the file itself by default. */
  path(name?: string): string;
  /** The path by which other programs reach a name in this directory. */
  shownPath(name: string): string;
  /** Content of the file, never through a symlink; null if it does not exist; Failure unsafe-path if it is no regular file with one link. */
  read(op: Op): Uint8Array | null;
  /**
   * Mode and owner of the file; null if it does not exist. Throws Failure if it cannot be replaced or removed: no-permission for an
   * immutable one, unsafe-path for one that is a mount point. Asked before the first rename of a set, for the last one must not fail.
   */
  look(op: Op): FileLook | null;
  /** Throws Failure if nothing can be written into the directory; else what is to be said about its file system, or null. */
  examine(op: Op): string | null;
  /**
   * Writes the new content beside the file (`.NAME.<random>.locksmith`, O_EXCL) with the mode (never setuid), owner and extended
   * attributes of the present one (else as `absent` says, else 0644 and the directory's owner), and syncs it. Returns the name it got.
   */
  stage(op: Op, bytes: Uint8Array, absent?: FileLook | null): Promise<string>;
  /** Renames a staged file over the config file. */
  put(op: Op, staged: string): void;
  /** Removes the config file. */
  remove(op: Op): void;
  /** Removes a staged file; does nothing if it is gone. */
  discard(op: Op, staged: string): void;
  /** Names of staged files of this config file that were left behind. */
  leftovers(op: Op): readonly string[];
  /** Content of a staged file; null if it is gone. */
  readStaged(op: Op, staged: string): Uint8Array | null;
  /** fsync of the directory. */
  sync(op: Op): Promise<void>;
  close(): void;
}

/** Readers of the formats a config file can have; each is loaded when first used. */
export interface Parsers {
  /** The value in `text`; rejects with an error that says where it went wrong. ini: sections are objects, values strings, duplicate keys an error. */
  parse(format: 'json' | 'yaml' | 'toml' | 'ini', text: string): Promise<unknown>;
}
