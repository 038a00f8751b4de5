import { type ParseArgsConfig, parseArgs } from 'node:util';
import { EXIT, SaidError } from '../values/errors.ts';
import { fold, foldHelp } from '../values/layout.ts';
import { remedyOf } from '../values/remedy.ts';

/** The terminal a command speaks to. Data goes to `out`, words to `err`. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** True where `err` is a terminal that can redraw a line. */
  readonly live: boolean;
  /** True where `out` may be coloured: it is a terminal, and NO_COLOR is not set. */
  readonly colour: boolean;
  /** How wide `out` is, in characters; null where it is no terminal and nobody said (`COLUMNS`). */
  readonly columns: number | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One command of `locksmith`; a file each in this folder. */
export interface Command {
  /** What `--help` prints: a usage line, what it does, its options, an example. */
  readonly help: string;
  /** Runs it; resolves to the exit code. Throws {@link SaidError} for what a person must be told. */
  run(argv: readonly string[], terminal: Terminal): Promise<number>;
}

/** Where the settings are, unless `--settings FILE` says otherwise. */
export const SETTINGS_PATH = '/etc/locksmith/agent.yaml';

/** Widest text for reading: longer lines are hard to follow with the eye. */
const READING_WIDTH_MAX = 100;
const READING_WIDTH_MIN = 40;

/** How wide a text for reading is set on this terminal: 80 where nobody knows. */
export function readingWidth({ columns }: Terminal): number {
  return Math.min(READING_WIDTH_MAX, Math.max(READING_WIDTH_MIN, columns ?? 80));
}

/** Below this a folded line is harder to read than one that the terminal breaks. */
const FOLD_COLUMNS_MIN = 60;

/** A line as this terminal shows it: folded where its width is known. In a pipe a line stays one: whoever searches it wants it whole. */
export function lineFor({ columns }: Terminal, line: string): string {
  return columns === null || columns < FOLD_COLUMNS_MIN ? line : fold(line, columns, ' '.repeat(8));
}

/** A help text as this terminal shows it. In a pipe it stays as it is. */
export function helpFor({ columns }: Terminal, help: string): string {
  return columns === null || columns < FOLD_COLUMNS_MIN ? help : foldHelp(help, columns);
}

/**
 * Makes a listener for codes that go by: what to do about each, as a line of its own, the first time it comes. Only for a person at a
 * terminal; in a pipe `locksmith explain` says it.
 */
export function remedies(terminal: Terminal): (code: string | undefined, config: string | null) => string {
  const said = new Set<string>();
  return (code, config) => {
    if (terminal.columns === null || code === undefined || said.has(code)) return '';
    said.add(code);
    const remedy = remedyOf(code, config);
    return remedy === null
      ? ''
      : `${fold(`        try: ${remedy}`, Math.max(FOLD_COLUMNS_MIN, terminal.columns), ' '.repeat(13))}\n`;
  };
}

/** Reads the arguments of a command strictly; a wrong one is a usage error (exit 2) that points to `--help`. */
export function readArgs<const T extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  argv: readonly string[],
  options: T,
  positionals: { readonly min: number; readonly max: number; readonly names: string },
) {
  const parsed = (() => {
    try {
      return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
    } catch (error) {
      const message = error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error);
      throw new SaidError(EXIT.usage, `${command}: ${message}`, `locksmith ${command} --help`);
    }
  })();
  const count = parsed.positionals.length;
  if (count < positionals.min || count > positionals.max) {
    throw new SaidError(
      EXIT.usage,
      `${command}: takes ${positionals.names === '' ? 'no arguments' : positionals.names}, got ${count}`,
      `locksmith ${command} --help`,
    );
  }
  return parsed;
}
