import type { LogEntry, LogLevel } from '../values/log-line.ts';
import type { Status } from '../values/status.ts';

/** A point of a flight: longitude, latitude, metres above mean sea level, Unix milliseconds. */
export type FlownPoint = readonly [number, number, number, number];

/** The way of one flight, simplified within a bound. */
export interface Flown {
  readonly flight: string;
  readonly lines: readonly (readonly FlownPoint[])[];
  /** No point that was measured is farther from the line than this, in metres, at its own time. */
  readonly error_m: number;
  readonly raw_points: number;
  readonly largest_correction_m: number | null;
  /** The largest correction in each stretch of the flight: how far the vehicle was from where it was to be, in metres. */
  readonly corrections: readonly { readonly atMs: number; readonly m: number }[];
}

/** How the link was from one instant to the next, in Unix milliseconds. */
export interface LinkSpan {
  readonly fromMs: number;
  readonly toMs: number;
  /** A word of the link, or `stopped` while no agent ran. */
  readonly state: string;
}

/** An event of the history in words. */
export interface Told {
  readonly at: string;
  readonly clock: string;
  readonly level: LogLevel;
  readonly line: string;
  readonly config: string | null;
  /** Set where the content before and after it may be kept. */
  readonly version: number | null;
}

/** Everything one page shows. */
export interface PageData {
  readonly nowMs: number;
  readonly status: Status;
  /** In the order of the settings. */
  readonly configs: readonly string[];
  /** The newest last. */
  readonly history: readonly Told[];
  readonly log: readonly LogEntry[];
  readonly link: readonly LinkSpan[];
  /** Round trips seen since the page was opened, the newest last. */
  readonly roundTrips: readonly { readonly atMs: number; readonly ms: number }[];
  /** The last flight; null: none is known. */
  readonly flown: Flown | null;
}
