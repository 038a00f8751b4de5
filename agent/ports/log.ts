import type { LogFields, LogLevel } from '../values/log-line.ts';

/** The device's own story: one plain line an event. Never throws: a log that cannot be written is said on stderr. */
export interface Log {
  say(level: LogLevel, line: string, fields?: LogFields): void;
}
