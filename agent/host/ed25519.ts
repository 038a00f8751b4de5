import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Ed25519 } from '../ports/world.ts';

/** Ed25519 (RFC 8032) by the OpenSSL inside Node; each key is read once. */
export function hostEd25519(): Ed25519 {
  const keys = new Map<string, KeyObject>();
  const keyOf = (x: string): KeyObject => {
    const known = keys.get(x);
    if (known !== undefined) return known;
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    keys.set(x, key);
    return key;
  };
  return (x, data, signature) => {
    try {
      return verify(null, data, keyOf(x), signature);
    } catch {
      // No point of the curve: nothing was ever signed with such a key.
      return false;
    }
  };
}
