import * as fs from 'node:fs';
import { errnoOf, failureOf } from '../values/errno.ts';
import { type LogEntry, parseEntry } from '../values/log-line.ts';

/** How often the file is looked at for new lines. */
const LOOK_MS = 250;
const ENDS = ['SIGINT', 'SIGTERM'] as const;

/** What was read of the log. */
export interface LogRead {
  readonly entries: readonly LogEntry[];
  /** Lines that are no entry: cut short by a crash or a power cut, or changed by a person. */
  readonly damaged: number;
}

/** The log as it grows. */
export interface LogFollower {
  /** What has come since the last call; the first call gives all there is. Throws Failure. */
  read(): LogRead;
  close(): void;
}

/** Reads the two files of the log at `path` (see hostLog), and goes on where it stopped; no file is an empty log. */
export function followLog(path: string): LogFollower {
  let fd: number | null = null;
  let at = 0;
  let started = false;

  const open = (): number | null => {
    try {
      return fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    }
  };
  const older = (): string => {
    try {
      return fs.readFileSync(`${path}.1`, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return '';
      throw error;
    }
  };
  /** Whole lines only: the rest of one that is just being written comes next time. */
  const more = (): string => {
    fd ??= open();
    if (fd === null) return '';
    const bytes = Buffer.alloc(Math.max(0, fs.fstatSync(fd).size - at));
    const got = bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, at));
    const whole = got.subarray(0, got.lastIndexOf('\n') + 1);
    at += whole.length;
    return whole.toString('utf8');
  };
  /** True if the path names another file by now: the one that is open was put aside, or removed. */
  const isReplaced = (): boolean => {
    const now = fs.statSync(path, { throwIfNoEntry: false });
    return fd !== null && now !== undefined && now.ino !== fs.fstatSync(fd).ino;
  };
  const close = () => {
    if (fd !== null) fs.closeSync(fd);
    fd = null;
    at = 0;
  };
  return {
    read() {
      try {
        let text = (started ? '' : older()) + more();
        started = true;
        if (isReplaced()) {
          // Once more to its end: a line may have come between the look and the change.
          text += more();
          close();
          text += more();
        }
        const lines = text.split('\n').filter((line) => line.replaceAll('\0', '') !== '');
        const entries = lines.map(parseEntry).filter((entry) => entry !== null);
        return { entries, damaged: lines.length - entries.length };
      } catch (error) {
        throw failureOf('log.read', path, error);
      }
    },
    close,
  };
}

/** Calls `heard` with what the log says from now on, until this process is told to end (Ctrl-C). */
export function keepFollowing(log: LogFollower, heard: (read: LogRead) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (then: () => void) => {
      clearInterval(timer);
      for (const signal of ENDS) process.off(signal, over);
      then();
    };
    const over = () => end(resolve);
    const timer = setInterval(() => {
      try {
        heard(log.read());
      } catch (error) {
        end(() => reject(error));
      }
    }, LOOK_MS);
    for (const signal of ENDS) process.once(signal, over);
  });
}
