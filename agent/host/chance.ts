import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Chance, Sha256 } from '../ports/world.ts';

/** Chance from the operating system. */
export const hostChance: Chance = {
  unit: () => Math.random(),
  uuid: () => randomUUID(),
  hex: (n) => randomBytes(n).toString('hex'),
};

/** SHA-256 of bytes, or of a string as UTF-8, in lower-case hex. */
export const sha256: Sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
