/** Levels of the device's own story, as journald knows them. */
export type LogLevel = 'error' | 'warning' | 'notice' | 'info' | 'debug';

/** The device's own story: one plain line an event. Never throws: a log that cannot be written is said on stderr. */
export interface Log {
  say(level: LogLevel, line: string, fields?: Readonly<Record<string, string | number | boolean | null>>): void;
}
