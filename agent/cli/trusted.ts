import { sha256 } from '../host/chance.ts';
import { hostFiles } from '../host/files.ts';
import type { Settings } from '../settings-schema.ts';
import { lookForTrust } from '../trust/kept.ts';
import type { KeyRing } from '../trust/keys.ts';

/** Which keys count on this device, and by what. */
export interface Trusted {
  readonly keys: readonly string[];
  /** Version of the trust document in force; null: there is none, or who asks may not read it, and the keys are those of `trust.keys`. */
  readonly trust: number | null;
  /** Those of the keys that may have the holder of a lock ended from far away. */
  readonly end_holder: readonly string[];
}

/** Looks at the trust document in force; `seed`: the keys of `trust.keys`, null if they cannot be read. Changes nothing. */
export function readTrusted({ paths }: Settings, seed: KeyRing | null): Trusted {
  const { kept } = lookForTrust(hostFiles(), sha256, paths.state);
  const keys = kept?.document.ring.keys ?? seed?.keys ?? [];
  const enders = keys.filter(({ role, may }) => role === 'push' && may.endHolder);
  const trust = kept?.document.version ?? null;
  return { keys: keys.map(({ kid }) => kid), trust, end_holder: enders.map(({ kid }) => kid) };
}

/** The keys in words, apart from each other by `between`. Pure. */
export function sayTrusted({ keys, trust }: Trusted, between: string): string {
  return `${keys.join(between)}${trust === null ? '' : ` (by trust document version ${trust})`}`;
}
