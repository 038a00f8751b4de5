/** What the bundler knows about the program it made. */
export interface Build {
  readonly version: string;
  /** Unix milliseconds of the sources it was made from; 0 where it runs unbundled. A lower bound for any true clock. */
  readonly builtAtMs: number;
}

// Both names are put in place by `scripts/build.mjs`; an unbundled run has no such variables.
declare const LOCKSMITH_VERSION: string;
declare const LOCKSMITH_BUILT_AT_MS: number;

/** Version and build time of this program. */
export const BUILD: Build = {
  version: typeof LOCKSMITH_VERSION === 'undefined' ? '0.0.0-source' : LOCKSMITH_VERSION,
  builtAtMs: typeof LOCKSMITH_BUILT_AT_MS === 'undefined' ? 0 : LOCKSMITH_BUILT_AT_MS,
};
