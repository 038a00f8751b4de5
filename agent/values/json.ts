import { sayJsonFault } from './json-fault.ts';
import { printable } from './printable.ts';

/** Deeper JSON than any document of ours; a limit so that no later walk can run out of stack. */
const DEPTH_MAX = 32;

/** JSON read strictly: its value, or why it is not taken. */
export type StrictJson =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly why: string };

/**
 * Parses JSON and refuses what `JSON.parse` lets through: a key twice in one object (two readers would see two documents),
 * the key `__proto__`, and nesting deeper than 32. Never throws.
 */
export function parseStrictJson(text: string): StrictJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'fault', why: `not JSON: ${sayJsonFault(text)}` };
  }
  const why = scan(text);
  return why === null ? { kind: 'json', value } : { kind: 'fault', why };
}

/** Walks text that is known to be JSON; jumps over strings, so that a large content costs next to nothing. */
function scan(text: string): string | null {
  const keys: (Set<string> | null)[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at];
    if (char === '{' || char === '[') {
      if (keys.push(char === '{' ? new Set() : null) > DEPTH_MAX) return `nested deeper than ${DEPTH_MAX}`;
    } else if (char === '}' || char === ']') keys.pop();
    else if (char === '"') {
      const end = endOfString(text, at);
      const seen = keys.at(-1);
      if (seen && isKey(text, end)) {
        const key: unknown = JSON.parse(text.slice(at, end));
        if (typeof key !== 'string') return 'a key that is no text';
        if (key === '__proto__') return 'the key __proto__';
        if (seen.has(key)) return `the key '${printable(key, 64)}' twice in one object`;
        seen.add(key);
      }
      at = end;
      continue;
    }
    at++;
  }
  return null;
}

/** The index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}
