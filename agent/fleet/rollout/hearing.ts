import type { Pulses } from './health.ts';

/**
 * How long a heartbeat of a device is waited for before it is changed, in milliseconds: three times what is usual. Effect: a roll-out to
 * devices that are not heard begins so much later, and judges them by their reports alone.
 */
const HEARING_MS = 90_000;

/** Since when a device is listened to, and what was heard; monotonic ms. */
export interface Hearing {
  readonly pulses: Pulses;
  readonly listensMs: number;
  readonly nowMs: number;
}

/** How a device is heard: `mute` is who said nothing in all the time. Pure. */
export function hearingOf({ pulses, listensMs, nowMs }: Hearing): 'heard' | 'unheard' | 'mute' {
  if (pulses.heardMs !== null) return 'heard';
  return nowMs - listensMs < HEARING_MS ? 'unheard' : 'mute';
}

/** True for a device whose next heartbeat has to come before it counts as well for long enough: since `sinceMs`. Pure. */
export function owesBeat(hearing: Hearing, sinceMs: number): boolean {
  const { heardMs } = hearing.pulses;
  return hearingOf(hearing) !== 'mute' && (heardMs === null || heardMs < sinceMs);
}
