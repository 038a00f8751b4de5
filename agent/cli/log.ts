import { followLog, keepFollowing, type LogRead } from '../host/log-reader.ts';
import { readSettings } from '../settings.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { paint, type Style } from '../values/layout.ts';
import { type LogEntry, type LogLevel, sayEntry } from '../values/log-line.ts';
import { parseDurationMs } from '../values/units.ts';
import { type Command, lineFor, readArgs, remedies, SETTINGS_PATH, type Terminal } from './command.ts';
import { knownConfig } from './lock-room.ts';

/** How many lines are shown where nobody says. */
const LINES = 100;
const STYLE: Readonly<Partial<Record<LogLevel, Style>>> = { error: 'red', warning: 'yellow', debug: 'dim' };

/** The instant somebody means by `10m` (that long ago) or `2026-11-22T01:19`; Unix milliseconds. */
function sinceMs(text: string, nowMs: number): number {
  const ago = parseDurationMs(text);
  const ms = ago === null ? Date.parse(/[Zz]|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`) : nowMs - ago;
  // A date alone is UTC by the rules of the language; with a Z behind it, it is none.
  const day = Number.isNaN(ms) ? Date.parse(text) : ms;
  if (!Number.isNaN(day)) return day;
  throw new SaidError(
    EXIT.usage,
    `log: --since '${text}' is neither a length of time nor a time`,
    'locksmith log --since 30m, or --since 2026-11-22T01:19',
  );
}

function lineCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new SaidError(EXIT.usage, `log: --lines '${text}' is no number`, 'locksmith log --lines 20');
}

function show(entry: LogEntry, json: boolean, terminal: Terminal, remedy: ReturnType<typeof remedies>): void {
  if (json) {
    const { at, clock, level, text, fields } = entry;
    terminal.out(`${JSON.stringify({ at, clock, level, text, ...fields })}\n`);
    return;
  }
  const line = lineFor(terminal, sayEntry(entry));
  const style = STYLE[entry.level];
  const { code, config = null } = entry.fields;
  terminal.out(`${style === undefined ? line : paint(terminal.colour, style, line)}\n${remedy(code, config)}`);
}

/** `locksmith log`. */
export const command: Command = {
  help: `Usage: locksmith log [NAME] [--follow] [--since WHEN] [--lines N] [--json] [--settings FILE]

The device's own story in plain words, a line an event, newest last: of one config if named. From the agent's own file, so it
works with the daemon dead, and where the journal of the system is lost at every start. Times are UTC.
  --since WHEN   only what came after: a length of time (30m, 4h, 2d) or a time (2026-11-22T01:19)
  --lines N      only the last N lines; 100 unless --since is given
  --follow       stay, and show what comes
  --json         a line of JSON for each: at, clock, level, text, and where they apply config and code
Exit code: 0, or 4 if there is nothing.

Example: locksmith log --since 1h aim_lock_config`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs(
      'log',
      argv,
      {
        settings: { type: 'string', default: SETTINGS_PATH },
        json: { type: 'boolean', default: false },
        follow: { type: 'boolean', short: 'f', default: false },
        since: { type: 'string' },
        lines: { type: 'string', short: 'n' },
      },
      { min: 0, max: 1, names: 'at most one NAME' },
    );
    const settings = readSettings(values.settings);
    const [name] = positionals;
    const config = name === undefined ? null : knownConfig('log', settings, values.settings, name);
    const fromMs = values.since === undefined ? null : sinceMs(values.since, Date.now());
    const most =
      values.lines === undefined ? (fromMs === null ? LINES : Number.POSITIVE_INFINITY) : lineCount(values.lines);
    const wanted = ({ entries }: LogRead) =>
      entries.filter(
        ({ at, fields }) =>
          (config === null || fields.config === config) && (fromMs === null || Date.parse(at) >= fromMs),
      );
    const remedy = remedies(terminal);
    const path = `${settings.paths.state}/log`;
    const log = followLog(path);
    try {
      const first = log.read();
      const found = wanted(first);
      for (const entry of most === 0 ? [] : found.slice(-most)) show(entry, values.json, terminal, remedy);
      const { damaged } = first;
      if (damaged > 0) {
        terminal.err(`${damaged} ${damaged === 1 ? 'line' : 'lines'} left out: cut short by a crash or a power cut\n`);
      }
      if (values.follow) {
        await keepFollowing(log, (read) =>
          wanted(read).forEach((entry) => void show(entry, values.json, terminal, remedy)),
        );
      } else if (found.length === 0) {
        terminal.err(first.entries.length === 0 ? `${path}: nothing has been written yet\n` : 'nothing of that\n');
        return EXIT.nothing;
      }
      return EXIT.done;
    } finally {
      log.close();
    }
  },
};
