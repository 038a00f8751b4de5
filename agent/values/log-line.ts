import { harmless } from './printable.ts';
import type { ClockTrust } from './report.ts';
import { rfc3339 } from './units.ts';

/** Levels of the device's own story, as journald knows them; the gravest first. */
export const LOG_LEVELS = ['error', 'warning', 'notice', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Particulars of a line, for machines: `code` and `config` where they apply, `clock` where it is not to be trusted. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** One line of the log. */
export interface LogEntry {
  /** RFC 3339 UTC. */
  readonly at: string;
  /** Whether the clock that gave `at` could be trusted. */
  readonly clock: ClockTrust;
  readonly level: LogLevel;
  /** What happened, in plain words. */
  readonly text: string;
  /** Every field but `clock`; values as they were written. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Longest text of one line, in characters: a hostile sender must not push the story of a day out of the file. */
const TEXT_MAX = 4000;
const LEVEL_WIDTH = Math.max(...LOG_LEVELS.map((level) => level.length));
const LINE = /^(\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (error|warning|notice|info|debug) +([^\t]*)(?:\t(.*))?$/;

/** Makes an entry; control characters of a hostile sender must not forge another, nor move a cursor. */
export function logEntry(nowMs: number, level: LogLevel, text: string, fields: LogFields = {}): LogEntry {
  const { clock, ...rest } = fields;
  const said = Object.entries(rest).filter(([, value]) => value !== null);
  return {
    at: rfc3339(nowMs),
    clock: clock === 'untrusted' ? 'untrusted' : 'ok',
    level,
    text: harmless(text, TEXT_MAX),
    fields: Object.fromEntries(said.map(([key, value]) => [key, String(value)])),
  };
}

/** An entry as a person reads it, without a line end. `width` of the level: lines stand below each other. */
export function sayEntry({ at, clock, level, text }: LogEntry): string {
  return `${at}${clock === 'ok' ? '' : ' (clock untrusted)'} ${level.padEnd(LEVEL_WIDTH)} ${text}`;
}

/** An entry as the file has it: what a person reads, then a tab and the fields. With its line end. */
export function writeEntry({ at, clock, level, text, fields }: LogEntry): string {
  const all = Object.entries({ ...fields, ...(clock === 'ok' ? {} : { clock }) });
  const tail = all.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join(' ');
  return `${at} ${level.padEnd(LEVEL_WIDTH)} ${text}${tail === '' ? '' : `\t${tail}`}\n`;
}

/** Reads a line of the file; null for one that a power cut or a person has damaged. */
export function parseEntry(line: string): LogEntry | null {
  const [, at, named, text, tail = ''] = LINE.exec(line) ?? [];
  const level = LOG_LEVELS.find((each) => each === named);
  if (at === undefined || level === undefined || text === undefined || Number.isNaN(Date.parse(at))) return null;
  const fields: Record<string, string> = {};
  for (const part of tail.split(' ').filter((each) => each !== '')) {
    const [key = '', value] = part.split('=').map(decoded);
    if (value === undefined) return null;
    fields[key] = value;
  }
  const { clock, ...rest } = fields;
  return { at, clock: clock === 'untrusted' ? 'untrusted' : 'ok', level, text, fields: rest };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
