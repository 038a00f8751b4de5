import { type CronTimes, cronTimes, whyNoCron } from './cron.ts';

/** When an update may be applied: from every match of `cron` (five fields), read in the time zone `tz`, for so many minutes. */
export interface Window {
  readonly cron: string;
  readonly minutes: number;
  /** A name of the IANA time zone database. */
  readonly tz: string;
}

/** Longest window, in minutes. Effect: how far is looked back for one that has opened. */
export const WINDOW_MAX_MIN = 1440;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** No zone is further from UTC than 14 hours, and none turns its clocks twice within two days. */
const AROUND_MS = DAY_MS;
/** How far ahead an opening is looked for: a 29 February is at most eight years away. */
const AHEAD_DAYS = 8 * 366 + 1;

/** Whether a window is open. Times are Unix milliseconds; `opensMs` null: it never opens again. */
export type WindowState =
  | { readonly open: true; readonly untilMs: number }
  | { readonly open: false; readonly opensMs: number | null };

/** Why something is no window; null if it is one. Pure. */
export function whyNoWindow({ cron, minutes, tz }: Window): string | null {
  const why = whyNoCron(cron);
  if (why !== null) return `cron: ${why}`;
  if (cron.trim().split(/\s+/).length !== 5) return 'cron: expected five fields, minute first';
  if (!Number.isSafeInteger(minutes) || minutes < 1 || minutes > WINDOW_MAX_MIN) {
    return `minutes: expected a whole number from 1 to ${WINDOW_MAX_MIN}`;
  }
  return isZone(tz) ? null : `tz: '${tz}' is no time zone of this machine, such as UTC or Europe/Berlin`;
}

/** True for a time zone; UTC is told without the tables of all others, which cost memory. */
function isZone(tz: string): boolean {
  if (tz === 'UTC') return true;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: tz }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * Is a window open at an instant? A start that the local clock skips in spring is taken when the clock has jumped; one that comes
 * twice in autumn counts once, the first time, unless its hour is `*`. Pure.
 */
export function windowAt(window: Window, nowMs: number): WindowState {
  const lengthMs = window.minutes * MINUTE_MS;
  const times = cronTimes(window.cron);
  const offsetAt = offsetIn(window.tz);
  const starts = startsOf(times, offsetAt, nowMs - lengthMs, nowMs);
  const last = starts.at(-1);
  if (last !== undefined) return { open: true, untilMs: last + lengthMs };
  for (let day = 0; day < AHEAD_DAYS; day += 1) {
    const fromMs = nowMs + day * DAY_MS;
    const [next] = startsOf(times, offsetAt, fromMs, fromMs + DAY_MS);
    if (next !== undefined) return { open: false, opensMs: next };
  }
  return { open: false, opensMs: null };
}

/** All starts in (`afterMs`, `toMs`], in order. */
function startsOf(times: CronTimes, offsetAt: Offset, afterMs: number, toMs: number): readonly number[] {
  const before = offsetAt(afterMs - AROUND_MS);
  const after = offsetAt(toMs + AROUND_MS);
  const starts = new Set<number>();
  const [low, high] = [Math.min(before, after), Math.max(before, after)];
  const lastMs = toMs + high;
  // An hour more on both sides: what was skipped or comes twice is written with the other offset.
  const firstMs = Math.floor((afterMs + low) / MINUTE_MS) * MINUTE_MS - (high - low);
  for (let localMs = firstMs; localMs <= lastMs; localMs += MINUTE_MS) {
    if (!times.day(localMs)) {
      localMs = Math.floor(localMs / DAY_MS) * DAY_MS + DAY_MS - MINUTE_MS;
      continue;
    }
    if (!times.minute(localMs)) continue;
    for (const startMs of instantsOf(localMs, before, after, offsetAt, times.everyHour)) {
      if (startMs > afterMs && startMs <= toMs) starts.add(startMs);
    }
  }
  return [...starts].sort((a, b) => a - b);
}

/** The instants of a local time, `before` and `after` being the offsets around it. */
function instantsOf(
  localMs: number,
  before: number,
  after: number,
  offsetAt: Offset,
  everyHour: boolean,
): readonly number[] {
  if (before === after) return [localMs - before];
  const real = [localMs - before, localMs - after]
    .filter((utcMs) => utcMs + offsetAt(utcMs) === localMs)
    .sort((a, b) => a - b);
  // Skipped: by the offset that was in force, which the clock reads as so much later.
  if (real.length === 0) return everyHour ? [] : [localMs - before];
  return everyHour ? real : real.slice(0, 1);
}

/** Milliseconds that a local clock is ahead of UTC, by instant. */
type Offset = (utcMs: number) => number;

function offsetIn(tz: string): Offset {
  if (tz === 'UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: tz, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  return (utcMs) => {
    const parts = Object.fromEntries(format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(utcMs / 1000) * 1000;
  };
}
