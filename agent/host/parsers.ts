import type { Parsers } from '../ports.ts';

/** Deepest nesting that is read: more is an attack or an accident, and would exhaust the stack of what walks the value. */
const DEPTH_MAX = 100;

function checkDepth(value: unknown, depth = 0): void {
  if (depth > DEPTH_MAX) throw new Error(`nested deeper than ${DEPTH_MAX} levels`);
  if (typeof value !== 'object' || value === null) return;
  for (const child of Array.isArray(value) ? value : Object.values(value)) checkDepth(child, depth + 1);
}

/** The `ini` package lets a later key win silently; a person who wrote both meant one of them. */
function checkIniDuplicates(text: string): void {
  let section = '';
  const seen = new Map<string, number>();
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith(';') || line.startsWith('#')) continue;
    const header = /^\[([^\]]*)\]$/.exec(line);
    if (header !== null) {
      section = header[1] ?? '';
      continue;
    }
    const key = (line.split('=', 1)[0] ?? '').trim();
    const id = `${section}\n${key}`;
    const first = seen.get(id);
    if (first !== undefined && !key.endsWith('[]')) {
      throw new Error(`line ${index + 1}: '${key}' was already given on line ${first}`);
    }
    seen.set(id, index + 1);
  }
}

/** Every value as the string it was written as: the `ini` package turns some into booleans and null. */
function asStrings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asStrings);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, asStrings(child)]));
  }
  return String(value);
}

/** The format readers of this machine: JSON of the language, `yaml`, `smol-toml`, `ini`. */
export const hostParsers: Parsers = {
  async parse(format, text) {
    const value = await (async (): Promise<unknown> => {
      switch (format) {
        case 'json':
          return JSON.parse(text);
        case 'yaml':
          return (await import('yaml')).default.parse(text, { maxAliasCount: 100, uniqueKeys: true });
        case 'toml':
          return (await import('smol-toml')).parse(text);
        case 'ini':
          checkIniDuplicates(text);
          return asStrings((await import('ini')).default.parse(text));
      }
    })();
    checkDepth(value);
    return value;
  },
};
