import type { Clock } from '../ports/world.ts';

/** Bytes are counted by the minute. */
const MINUTE_MS = 60_000;
/** Minutes that "now" means. */
const MINUTES = 10;
/** What a QoS 1 message has more than one of QoS 0: its packet id. */
const ID_BYTES = 2;

/** How long a message is on the link. Source: MQTT 3.1.1, 2.2.3 and 3.3; MQTT 5 adds a byte. Pure. */
export function packetBytes(topic: string, payload: string, qos: 0 | 1): number {
  const rest = 2 + Buffer.byteLength(topic) + (qos === 1 ? ID_BYTES : 0) + Buffer.byteLength(payload);
  let header = 2;
  // Its length is told in groups of seven bits.
  for (let left = rest >> 7; left > 0; left >>= 7) header += 1;
  return header + rest;
}

/** What the link costs. */
export interface Meter {
  /** A message of so many bytes goes out. */
  count(bytes: number): void;
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
    count(bytes) {
      const minute = now();
      const last = minutes.at(-1);
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
