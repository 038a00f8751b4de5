import type { Parsers } from '../ports/targets.ts';

/** Deepest nesting that is read: more is an attack or an accident, and would exhaust the stack of what walks the value. */
const DEPTH_MAX = 100;

function checkDepth(value: unknown, depth = 0): void {
  if (depth > DEPTH_MAX) throw new Error(`nested deeper than ${DEPTH_MAX} levels`);
  if (typeof value !== 'object' || value === null) return;
  for (const child of Array.isArray(value) ? value : Object.values(value)) checkDepth(child, depth + 1);
}

/**
 * The `ini` package drops what it cannot read, and lets a later key win: a person who wrote both meant one of them.
 * `bare` takes quotes, blanks and comments off a name as the package does.
 */
function checkIni(text: string, bare: (name: string) => string): void {
  let section = '';
  const seen = new Map<string, number>();
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    const at = `line ${index + 1}`;
    if (/^\s*([;#]|$)/.test(line)) continue;
    const header = /^\[([^\]]*)\]\s*$/.exec(line);
    const name = String(bare(header?.[1] ?? line.split('=', 1)[0] ?? ''));
    if (name === '' || (header === null && /^\s*(\[|=)/.test(line))) {
      throw new Error(`${at}: neither a [section] nor a key nor a comment`);
    }
    if (name === '__proto__') throw new Error(`${at}: '__proto__' is no name`);
    // A dotted section is a section within a section, where a key of the same name would be.
    const id: string = header === null ? `${section}${name}` : name.replaceAll('.', '\n');
    const first = seen.get(id);
    const again = header === null ? !name.endsWith('[]') : seen.has(`key ${id}`);
    if (first !== undefined && again) throw new Error(`${at}: '${name}' was already given on line ${first}`);
    if (header !== null) section = `${id}\n`;
    else seen.set(`key ${id}`, index + 1);
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

async function readIni(text: string): Promise<unknown> {
  const { parse, unsafe } = (await import('ini')).default;
  checkIni(text, unsafe);
  return asStrings(parse(text));
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
          return readIni(text);
      }
    })();
    checkDepth(value);
    return value;
  },
};
