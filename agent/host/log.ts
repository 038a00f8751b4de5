import * as fs from 'node:fs';
import type { Bequeath } from '../ports/files.ts';
import type { Log } from '../ports/log.ts';
import { LOG_LEVELS, type LogEntry, type LogLevel, logEntry, sayEntry, writeEntry } from '../values/log-line.ts';
import { messageOf } from '../values/thrown.ts';

/** Size at which the log is put aside as `log.1`: two of these are the most it ever takes. */
const LOG_MAX_BYTES = 1024 * 1024;
const NEWLINE = 10;

/** What a log is made of. */
export interface HostLogOptions {
  /** The file; null: none is kept. */
  readonly path: string | null;
  readonly level: LogLevel;
  /** Where every line goes as well, such as stderr under systemd; with its line end. */
  readonly echo: (line: string) => void;
  /** Where every line goes instead of the echo, with its level and fields; false: it was not taken. */
  readonly entry?: ((...said: Required<Parameters<Log['say']>>) => boolean) | undefined;
  readonly nowMs: () => number;
  /** To whom a new file belongs; else it is ours. */
  readonly bequeath?: Bequeath;
}

/** A file that only grows, to a bound; the lines before that are in `PATH.1`. */
interface StoryFile {
  /** Adds a line. Throws the error of the system call. */
  add(line: string): void;
}

/**
 * Opens the file when the first line comes. Nothing is synced: the kernel writes it out within half a minute and spares the flash; what
 * must survive a power cut is in the journal.
 */
function storyFile(path: string, bequeath: Bequeath): StoryFile {
  let fd: number | null = null;
  let bytes = 0;
  let torn = false;

  const open = () => {
    const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = fs.constants;
    const isNew = !fs.existsSync(path);
    const opened = fs.openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o640);
    if (isNew) bequeath(opened, path);
    bytes = fs.fstatSync(opened).size;
    const last = Buffer.alloc(1);
    // A power cut can leave half a line; the next one must not be lost with it.
    torn = bytes > 0 && fs.readSync(opened, last, 0, 1, bytes - 1) === 1 && last[0] !== NEWLINE;
    return opened;
  };
  const close = () => {
    if (fd !== null) fs.closeSync(fd);
    fd = null;
  };
  return {
    add(line) {
      // Somebody who removes the file to make room wants the next line in a new one.
      if (fd !== null && fs.fstatSync(fd).nlink === 0) close();
      fd ??= open();
      if (bytes > LOG_MAX_BYTES) {
        fs.renameSync(path, `${path}.1`);
        close();
        fd = open();
      }
      const text = Buffer.from(torn ? `\n${line}` : line);
      let written = 0;
      try {
        while (written < text.length) written += fs.writeSync(fd, text, written);
      } finally {
        torn = written === 0 ? torn : written < text.length;
        bytes += written;
      }
    },
  };
}

/** The device's own story, in a bounded file. */
export function hostLog(options: HostLogOptions): Log {
  const file = options.path === null ? null : storyFile(options.path, options.bequeath ?? (() => {}));
  const broken: { why: string | null } = { why: null };
  const echo = (entry: LogEntry) => {
    try {
      options.echo(`${sayEntry(entry)}\n`);
    } catch {
      // Nobody listens any more; the file has it.
    }
  };
  return {
    say(level, text, fields = {}) {
      if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(options.level)) return;
      const entry = logEntry(options.nowMs(), level, text, fields);
      if (options.entry?.(level, text, fields) !== true) echo(entry);
      try {
        file?.add(writeEntry(entry));
        broken.why = null;
      } catch (error) {
        const why = messageOf(error);
        // Once per cause: the log of a full disk must not fill the other one.
        if (why !== broken.why) echo(logEntry(options.nowMs(), 'error', `the log cannot be written: ${why}`));
        broken.why = why;
      }
    },
  };
}
