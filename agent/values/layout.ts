/** Breaks a text between words so that no line is wider than `width`; every line but the first starts with `hang`. A longer word stays whole. */
export function fold(text: string, width: number, hang = ''): string {
  return text
    .split('\n')
    .map((line) => foldLine(line, width, hang))
    .join(`\n${hang}`);
}

function foldLine(text: string, width: number, hang: string): string {
  if (text.length <= width) return text;
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? '';
  let empty = true;
  for (const word of text.trim().split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = hang;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join('\n');
}

const STYLES = { bold: 1, red: 31, green: 32, yellow: 33, dim: 2 } as const;
/** How a word can be made to stand out on a terminal. */
export type Style = keyof typeof STYLES;

/** Makes a text stand out where `colour` says that it may. */
export function paint(colour: boolean, style: Style, text: string): string {
  return colour ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
}
