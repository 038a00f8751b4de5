import type { Op } from '../values/ops.ts';
import type { Cancel } from './world.ts';

/** What the file system says of a path, symlinks not followed. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly bytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly dev: number;
  readonly ino: number;
  readonly modifiedMs: number;
  /** When content, owner, mode or names changed last: nobody can set it. */
  readonly changedMs: number;
}

/**
 * Files. Cheap calls are synchronous, whatever waits for the disk is a promise. Every method throws {@link Failure} with
 * one of the codes disk-full, read-only, no-permission, missing-directory, unsafe-path, io.
 */
export interface Files {
  /** Whole content; null if there is no such file. Refuses more than `maxBytes` (Failure io). */
  read(op: Op, path: string, maxBytes?: number): Uint8Array | null;
  stat(op: Op, path: string): FileStat | null;
  /** Names in a directory; empty if it does not exist. */
  list(op: Op, dir: string): readonly string[];
  /** Creates the directory and its parents; does nothing if it exists. */
  makeDir(op: Op, dir: string, mode: number): void;
  /** Removes a file; does nothing if it does not exist. */
  remove(op: Op, path: string): void;
  /**
   * Removes the temp files that a crash left in a directory: those of writers that are gone (`dead`, unless told otherwise), or all, where
   * nobody can be writing. Does nothing if there is no directory.
   */
  removeTemps(op: Op, dir: string, whose?: 'dead' | 'any'): void;
  rename(op: Op, from: string, to: string): void;
  /** THE durable write: temp file beside it, mode, write, fsync, rename, fsync of the directory. */
  writeDurably(op: Op, path: string, bytes: Uint8Array | string, mode: number): Promise<void>;
  /** Atomic for readers (temp and rename) but not synced: for what a reboot may clear. */
  writeView(op: Op, path: string, text: string, mode: number): void;
  /** fsync of a directory, so that a rename in it survives a power cut. */
  syncDir(op: Op, dir: string): Promise<void>;
  /** Opens a file that only grows; creates it (and syncs its directory) if needed. */
  openAppend(op: Op, path: string, mode: number): Promise<AppendFile>;
}

/** A file that only grows at its end. */
export interface AppendFile {
  bytes(): number;
  append(op: Op, bytes: Uint8Array): void;
  /** fdatasync. */
  sync(op: Op): Promise<void>;
  /** Cuts a torn tail off. */
  truncate(op: Op, bytes: number): void;
  close(): void;
}

/** Makes a descriptor durable: `all` is fsync, `data` is fdatasync. Rejects with the error of the system call. */
export type DiskSync = (fd: number, how: 'all' | 'data') => Promise<void>;

/** What is done with something new that is still only ours: `fd` is open on it, `path` is where it stands. */
export type Bequeath = (fd: number, path: string) => void;

/**
 * For a short text that is written again and again, always as long: as {@link Files.writeView} the first time and whenever the path does
 * not lead to what was written, else in place, which is two system calls instead of seven. A reader can meet half of it. What comes back
 * throws Failure.
 */
export type OpenView = (op: Op, path: string, mode: number) => (text: string) => void;

/** Calls back with the base name of whatever changes in a directory, until cancelled. Never throws. */
export type WatchDir = (dir: string, changed: (name: string) => void) => Cancel;
