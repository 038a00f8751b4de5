import * as fs from 'node:fs';
import type { Log, LogLevel } from '../ports/log.ts';

/** Size at which the log is put aside as `log.1`: two of these are the most it ever takes. */
const LOG_MAX_BYTES = 1024 * 1024;
const LEVELS: readonly LogLevel[] = ['error', 'warning', 'notice', 'info', 'debug'];

/** What a log is made of. */
export interface HostLogOptions {
  /** The file; null: none is kept. */
  readonly path: string | null;
  readonly level: LogLevel;
  /** Where every line goes as well, such as stderr under systemd. */
  readonly echo: (line: string) => void;
  /** Where every line goes instead of the echo, with its level and fields; false: it was not taken. */
  readonly entry?: ((...said: Required<Parameters<Log['say']>>) => boolean) | undefined;
  readonly nowMs: () => number;
}

/** One line for the log: control characters of a hostile sender must not forge another. */
export function logLine(nowMs: number, level: LogLevel, text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
  return `${new Date(nowMs).toISOString()} ${level.padEnd(7)} ${text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')}\n`;
}

/** The device's own story, in a bounded file. */
export function hostLog(options: HostLogOptions): Log {
  const { path } = options;
  let fd: number | null = null;
  let bytes = 0;
  let broken: string | null = null;

  const open = (file: string) => {
    const opened = fs.openSync(
      file,
      fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW,
      0o640,
    );
    bytes = fs.fstatSync(opened).size;
    return opened;
  };
  const write = (file: string, line: string) => {
    try {
      fd ??= open(file);
      if (bytes > LOG_MAX_BYTES) {
        fs.closeSync(fd);
        fd = null;
        fs.renameSync(file, `${file}.1`);
        fd = open(file);
      }
      bytes += fs.writeSync(fd, line);
      broken = null;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // Once per cause: the log of a full disk must not fill the other one.
      if (why !== broken) options.echo(logLine(options.nowMs(), 'error', `the log cannot be written: ${why}`));
      broken = why;
    }
  };
  return {
    say(level, text, fields = {}) {
      if (LEVELS.indexOf(level) > LEVELS.indexOf(options.level)) return;
      const line = logLine(options.nowMs(), level, text);
      if (options.entry?.(level, text, fields) !== true) options.echo(line);
      if (path !== null) write(path, line);
    },
  };
}
