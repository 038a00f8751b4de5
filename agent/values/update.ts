import type { Address, Layer } from './topics.ts';
import type { Window } from './window.ts';

/** The `typ` in the header of each kind of signed document; never interchangeable. */
export const DOCUMENT_TYPES = {
  update: 'locksmith-update+jwt',
  command: 'locksmith-command+jwt',
  trust: 'locksmith-trust+jwt',
  halt: 'locksmith-halt+jwt',
  /** Between operators alone: no device takes it. */
  rollout: 'locksmith-rollout+jwt',
} as const;

/** Largest message, in bytes, that is taken as a signed document. Source: the smallest limit of common brokers. */
export const DOCUMENT_MAX_BYTES = 128 * 1024;

/** Most bytes that the fetched files of one update have together. Reason: a device holds them in memory while it puts them in place. */
export const FETCHED_MAX_BYTES = 8 * 1024 * 1024;

/** A file whose content is in the update. `name` is the base name of a file of the config; `digest` is of its bytes. */
export interface InlineFile {
  readonly name: string;
  readonly digest: string;
  readonly encoding: 'utf8' | 'base64';
  readonly content: string;
}

/** A file whose content is fetched. `digest` and `size` (bytes) are of its content. */
export interface RemoteFile {
  readonly name: string;
  readonly digest: string;
  readonly url: string;
  readonly size: number;
}

/** A file that is to be removed. */
export interface AbsentFile {
  readonly name: string;
  readonly absent: true;
}

/** One file of an update, as it is signed. */
export type UpdateFile = InlineFile | RemoteFile | AbsentFile;

/** What the sender believes; compared in the section that commits. */
export interface Expectation {
  /** Digest of the config on disk. */
  readonly digest?: string;
  /** Token of its lock, as found before the agent's own grant. */
  readonly token?: number;
}

/** When it may be applied, besides what the settings of the device ask for. */
export interface When {
  readonly window?: Window;
  readonly vehicle?: 'safe';
}

/** How a change is proved good once it is in place: within so many seconds, by the link or by the fleet. */
export interface Confirm {
  readonly within_s: number;
  readonly by: 'link' | 'fleet';
}

/** The payload of a signed update, checked for shape. Times are epoch seconds. */
export interface Update {
  readonly v: 1;
  readonly id: string;
  readonly aud: Address;
  readonly config: string;
  readonly layer: Layer;
  readonly version: number;
  readonly iat: number;
  /** End of the wait to apply; absent: waits for ever. */
  readonly exp?: number;
  /** End of the life of a shadow. */
  readonly until?: number;
  readonly expect?: Expectation;
  readonly when?: When;
  readonly confirm?: Confirm;
  /** Also if this content failed on the device before. */
  readonly retry?: true;
  /** True for a tombstone, which has no files. */
  readonly withdraw: boolean;
  readonly files: readonly UpdateFile[];
  readonly rollout?: string;
  readonly note?: string;
}
