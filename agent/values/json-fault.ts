/** One word of JSON, with the blanks before it; the group is there for a string. Source: RFC 8259. */
const STRING = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*"/.source;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.source;
const WORD = `[ \\t\\n\\r]*(?:(${STRING})|${NUMBER}|true|false|null|[{}[\\],:])`;

/** What may come next: `first` and `more` stand inside of brackets, where they may also be closed. */
type Next = 'value' | 'first' | 'key' | 'first-key' | 'colon' | 'more';

/** Where a text stops being JSON, as an index into it; null if it is JSON. Pure. */
function faultAt(text: string): number | null {
  const word = new RegExp(WORD, 'y');
  const open: ('{' | '[')[] = [];
  let next: Next = 'value';
  for (;;) {
    const from = word.lastIndex;
    const match = word.exec(text);
    const rest = /[^ \t\n\r]|$/g;
    rest.lastIndex = from;
    const at = rest.exec(text)?.index ?? text.length;
    // All is said, and nothing is open.
    if (next === 'more' && open.length === 0) return at === text.length ? null : at;
    if (match === null) return at;
    const [whole, string] = match;
    const said = string === undefined ? whole.trimStart() : '"';
    const inside = open.at(-1);
    if (said === '}' || said === ']') {
      const opener = said === '}' ? '{' : '[';
      const mayClose = next === 'more' || next === (said === '}' ? 'first-key' : 'first');
      if (inside !== opener || !mayClose) return at;
      open.pop();
      next = 'more';
    } else if (next === 'more') {
      if (said !== ',') return at;
      next = inside === '{' ? 'key' : 'value';
    } else if (next === 'colon') {
      if (said !== ':') return at;
      next = 'value';
    } else if (next === 'key' || next === 'first-key') {
      if (said !== '"') return at;
      next = 'colon';
    } else if (said === '{' || said === '[') {
      open.push(said);
      next = said === '{' ? 'first-key' : 'first';
    } else if (said === ',' || said === ':') return at;
    else next = 'more';
  }
}

/**
 * Where a text that `JSON.parse` does not take stops being JSON: `line 3, column 7`. The words of `JSON.parse` itself quote what
 * stands there, which may be a secret. Pure.
 */
export function sayJsonFault(text: string): string {
  const before = text.slice(0, faultAt(text) ?? text.length).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
