import { type LaneCounts, sayLanes } from './lanes.ts';

/** What waits on disk until the broker has it. */
export interface Waiting {
  /** Reports: never given up. */
  readonly count: number;
  readonly bytes: number;
  /** Heartbeats, positions and tracks, as of the last heartbeat; null if that is not known. */
  readonly telemetry: { readonly count: number; readonly bytes: number } | null;
}

/** With a link so much telemetry is only on its way. Reason: it goes out within a second. */
const UNDER_WAY = 25;

/** What waits for the broker, in words: `8 reports and 37012 messages of telemetry wait for the broker`; null where nothing does. */
export function sayWaiting({ count, telemetry }: Waiting, connected: boolean): string | null {
  const messages = telemetry?.count ?? 0;
  const parts = [
    ...(count === 0 || connected ? [] : [`${count} ${count === 1 ? 'report' : 'reports'}`]),
    ...(messages <= (connected ? UNDER_WAY : 0)
      ? []
      : [`${messages} ${messages === 1 ? 'message' : 'messages'} of telemetry`]),
  ];
  if (parts.length === 0) return null;
  const isOne = parts.length === 1 && /^1 /.test(parts[0] ?? '');
  return `${parts.join(' and ')} ${isOne ? 'waits' : 'wait'} for the broker`;
}

/** What was given up of telemetry, in words; null where nothing was. */
export function sayGivenUp(dropped: LaneCounts): string | null {
  const what = sayLanes(dropped);
  return what === '' ? null : `telemetry, too much or too old: ${what}`;
}
