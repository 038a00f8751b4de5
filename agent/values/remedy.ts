import { CODES } from './errors.ts';

function isCode(code: string): code is keyof typeof CODES {
  return Object.hasOwn(CODES, code);
}

/** What a person can do about a code, for the config that it came with; null for a word that is no code. */
export function remedyOf(code: string, config: string | null): string | null {
  if (!isCode(code)) return null;
  const { remedy } = CODES[code];
  return config === null ? remedy : remedy.replaceAll('NAME', config);
}
