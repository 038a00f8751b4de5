import type { Address, Layer } from '../values/topics.ts';

/** Which document: a version names one document of a place, and a renewal goes on under the same version. */
export interface HeldRef {
  readonly config: string;
  readonly address: Address;
  readonly layer: Layer;
  readonly version: number;
}

/** True if both are the same document. */
export function sameDocument(a: HeldRef | null, b: HeldRef | null): boolean {
  if (a === null || b === null) return a === b;
  return a.config === b.config && a.address === b.address && a.layer === b.layer && a.version === b.version;
}
