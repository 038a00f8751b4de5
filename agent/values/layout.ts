/** Breaks a text between words so that no line is wider than `width`; every line but the first starts with `hang`. A longer word stays whole. */
export function fold(text: string, width: number, hang = ''): string {
  return text
    .split('\n')
    .map((line, index) => foldLine(line, index === 0 ? width : width - hang.length, width, hang))
    .join(`\n${hang}`);
}

function foldLine(text: string, firstWidth: number, width: number, hang: string): string {
  if (text.length <= firstWidth) return text;
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? '';
  let empty = true;
  for (const word of text.trim().split(' ')) {
    if (!empty && line.length + 1 + word.length > (lines.length === 0 ? firstWidth : width)) {
      lines.push(line);
      line = hang;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join('\n');
}

/** Starts a line of its own in a help text. */
const HEAD = /^(Usage|Exit codes?):/;

/** A help text, folded: its prose flows, what an option does stays in its column, and an example stays whole, for it is copied. */
export function foldHelp(text: string, width: number): string {
  const [prose = '', ...examples] = text.split(/^(?=Examples?:)/m);
  const lines: string[] = [];
  for (const line of prose.split('\n')) {
    const before = lines.at(-1) ?? '';
    const flows = /^\S/.test(line) && /^\S/.test(before) && !HEAD.test(line) && !before.startsWith('Usage:');
    if (flows) lines.push(`${lines.pop()} ${line}`);
    else lines.push(line);
  }
  return [lines.map((line) => fold(line, width, ' '.repeat(columnOf(line)))).join('\n'), ...examples].join('');
}

/** Where the text of a line in a help text begins. */
function columnOf(line: string): number {
  return /^(Usage: | +(\S.*? {2,})?)/.exec(line)?.[0].length ?? 0;
}

/** A text under a label: `label    text`, folded, with the label's column free below it. */
export function labelled(label: string, text: string, width: number, labelWidth = 9): string {
  const hang = ' '.repeat(labelWidth);
  const head = label.padEnd(labelWidth);
  return fold(`${head.length > labelWidth ? `${label} ` : head}${text}`, width, hang);
}

const STYLES = { bold: 1, red: 31, green: 32, yellow: 33, dim: 2 } as const;
/** How a word can be made to stand out on a terminal. */
export type Style = keyof typeof STYLES;

/** Makes a text stand out where `colour` says that it may. */
export function paint(colour: boolean, style: Style, text: string): string {
  return colour ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
}
