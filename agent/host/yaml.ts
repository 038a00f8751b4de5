import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';

/** A place in a text; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Why a text is not YAML we take, and where. */
export interface YamlFault extends Place {
  readonly why: string;
}

/** A step into parsed YAML: a key, or an index of a list. */
export type Step = string | number;

/** Parsed YAML: its plain value, and where each part of it stands. */
export interface YamlText {
  readonly kind: 'yaml';
  readonly value: unknown;
  /** Where the value at `path` starts; of the deepest part that exists if the path leads nowhere. */
  placeOf(path: readonly Step[]): Place;
  /** Where the key at the end of `path` stands. */
  placeOfKey(path: readonly Step[]): Place;
}

/** More aliases than any settings need and fewer than a bomb needs. */
const ALIASES_MAX = 100;

const WHY: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key is there twice',
  MULTIPLE_DOCS: 'there is a second document (`---`) in the file',
  TAB_AS_INDENT: 'a tab where only spaces may indent',
  TAG_RESOLVE_FAILED: 'tags (`!name`) are not taken',
};

/**
 * Parses one YAML 1.2 document strictly: duplicate keys, unknown tags, several documents, alias bombs and bottomless nesting
 * are faults. Never throws.
 */
export function parseYaml(text: string): YamlText | { readonly kind: 'faults'; readonly faults: readonly YamlFault[] } {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const wrong = [...doc.errors, ...doc.warnings];
  if (wrong.length > 0) {
    const faults = wrong.map(({ code, message, pos }) => ({ ...at(pos[0]), why: WHY[code] ?? firstLine(message) }));
    return { kind: 'faults', faults };
  }
  try {
    const value: unknown = doc.toJS({ maxAliasCount: ALIASES_MAX });
    return {
      kind: 'yaml',
      value,
      placeOf: (path) => at(offsetOf(doc, path, false)),
      placeOfKey: (path) => at(offsetOf(doc, path, true)),
    };
  } catch (error) {
    const loose = error instanceof ReferenceError ? looseAlias(doc) : null;
    const fault = loose ?? { offset: 0, why: firstLine(String(error)) };
    return { kind: 'faults', faults: [{ ...at(fault.offset), why: fault.why }] };
  }
}

/** The first alias that stands for nothing. */
function looseAlias(doc: Document): { readonly offset: number; readonly why: string } | null {
  const found: { readonly offset: number; readonly why: string }[] = [];
  visit(doc, {
    Alias(_key, alias) {
      if (alias.resolve(doc) !== undefined) return undefined;
      const why = `\`*${alias.source}\` stands for nothing: there is no \`&${alias.source}\` before it`;
      found.push({ offset: alias.range?.[0] ?? 0, why });
      return visit.BREAK;
    },
  });
  return found[0] ?? null;
}

function firstLine(message: string): string {
  const line = message.split('\n', 1)[0] ?? message;
  if (line.includes('call stack')) return 'it is nested too deeply';
  if (line.includes('alias count')) return 'its aliases (`*name`) multiply too often';
  return line;
}

function offsetOf(doc: Document, path: readonly Step[], wantKey: boolean): number {
  let node: unknown = doc.contents;
  let offset = 0;
  const resolve = () => {
    // The content behind an alias is elsewhere in the text: go on there.
    if (isAlias(node)) node = node.resolve(doc);
    if (isNode(node) && node.range) offset = node.range[0];
  };
  resolve();
  for (const [index, step] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
      if (pair === undefined) break;
      if (isNode(pair.key) && pair.key.range) offset = pair.key.range[0];
      if (wantKey && index === path.length - 1) break;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
    } else break;
    resolve();
  }
  return offset;
}
