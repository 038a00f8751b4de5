import type { Clock } from '../ports/world.ts';

/** Bytes are counted by the minute. */
const MINUTE_MS = 60_000;
/** Minutes that "now" means. */
const MINUTES = 10;
/** What MQTT adds to topic and payload: a header, two lengths and a packet id. */
const PACKET_BYTES = 7;

/** What the link costs. */
export interface Meter {
  /** A message goes out. */
  count(topic: string, payload: string): void;
  /** Bytes an hour, as of the last ten minutes; without TLS, TCP and what is acknowledged. */
  perHour(): number;
}

/** Makes one that has counted nothing. */
export function openMeter(clock: Pick<Clock, 'bootMs'>): Meter {
  const sinceMs = clock.bootMs();
  const minutes: { readonly minute: number; bytes: number }[] = [];
  const now = () => {
    const minute = Math.floor(clock.bootMs() / MINUTE_MS);
    while (minutes[0] !== undefined && minutes[0].minute <= minute - MINUTES) minutes.shift();
    return minute;
  };
  return {
    count(topic, payload) {
      const minute = now();
      const last = minutes.at(-1);
      const bytes = topic.length + payload.length + PACKET_BYTES;
      if (last?.minute === minute) last.bytes += bytes;
      else minutes.push({ minute, bytes });
    },
    perHour() {
      now();
      const bytes = minutes.reduce((sum, one) => sum + one.bytes, 0);
      // In the first minute one message is not yet sixty an hour.
      const passedMs = Math.min(MINUTES * MINUTE_MS, Math.max(MINUTE_MS, clock.bootMs() - sinceMs));
      return Math.round((bytes * 3_600_000) / passedMs);
    },
  };
}
