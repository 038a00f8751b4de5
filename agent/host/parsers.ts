import type { Parsers } from '../ports/targets.ts';
import { sayJsonFault } from '../values/json-fault.ts';
import { messageOf } from '../values/thrown.ts';

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

/** JSON.parse says what it trips over, which may be a secret; we say where. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(sayJsonFault(text));
  }
}

/** The message of `yaml` shows the lines around, and some repeat a word of them; its code does not. */
async function readYaml(text: string): Promise<unknown> {
  const { parse, YAMLParseError } = (await import('yaml')).default;
  try {
    return parse(text, { maxAliasCount: 100, uniqueKeys: true });
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw new Error(messageOf(error).split(':', 1)[0]);
    const [start] = error.linePos ?? [];
    const what = error.code.toLowerCase().replaceAll('_', ' ');
    throw new Error(start === undefined ? what : `line ${start.line}, column ${start.col}: ${what}`);
  }
}

/** The first line of what `smol-toml` says is its own; the rest are lines of the text. */
async function readToml(text: string): Promise<unknown> {
  const { parse, TomlError } = await import('smol-toml');
  try {
    return parse(text);
  } catch (error) {
    const [what] = messageOf(error).split('\n', 1);
    throw new Error(error instanceof TomlError ? `line ${error.line}, column ${error.column}: ${what}` : what);
  }
}

/** The format readers of this machine: JSON of the language, `yaml`, `smol-toml`, `ini`. */
export const hostParsers: Parsers = {
  async parse(format, text) {
    const value = await (async (): Promise<unknown> => {
      switch (format) {
        case 'json':
          return readJson(text);
        case 'yaml':
          return readYaml(text);
        case 'toml':
          return readToml(text);
        case 'ini':
          return readIni(text);
      }
    })();
    checkDepth(value);
    return value;
  },
};
