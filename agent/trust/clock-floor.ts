import type { JournalMemory, JournalRecord } from '../ports/journal.ts';
import type { Clock } from '../ports/world.ts';
import type { ClockTrust } from '../values/report.ts';

/** How far the wall clock may stray from the boot-time clock between two ticks and still raise the floor. */
const STRAY_MAX_MS = 3_600_000;

/** What the device knows about time, and how long it has been powered. */
export interface ClockFloor extends JournalMemory {
  /** `untrusted` while the wall clock is earlier than a time this device has seen. */
  trust(): ClockTrust;
  /** The latest time this device has surely seen, in Unix milliseconds. */
  floorMs(): number;
  /** Seconds this device has been powered, over all boots it remembers. */
  poweredS(): number;
  /** A record of the present time; call it every minute and at stop. */
  tick(): JournalRecord;
  /** A record that the `iat` (epoch seconds) of an applied document is past. */
  applied(iatS: number): JournalRecord;
  /** A record that forgets every time seen: only the build time of this agent counts again. */
  reset(): JournalRecord;
}

type Stored =
  | { t: 'clock-tick'; boot: string; boot_ms: number; wall_ms: number; powered_ms: number; floor_ms: number }
  | { t: 'clock-applied'; iat_s: number }
  | { t: 'clock-reset'; floor_ms: number };
const TYPES = ['clock-tick', 'clock-applied', 'clock-reset'] as const;

function isStored(record: JournalRecord): record is JournalRecord & Stored {
  return TYPES.some((type) => type === record.t);
}

/**
 * Keeps the clock floor: the latest of build time, applied documents, and journalled time that agreed with the boot-time clock.
 */
export function createClockFloor(clock: Clock, builtAtMs: number): ClockFloor {
  let floorMs = builtAtMs;
  let last: (Stored & { t: 'clock-tick' }) | null = null;

  const poweredMs = (): number => {
    const bootMs = clock.bootMs();
    if (last === null) return bootMs;
    return last.powered_ms + (last.boot === clock.bootId ? Math.max(0, bootMs - last.boot_ms) : bootMs);
  };
  const fold = (record: JournalRecord) => {
    if (!isStored(record)) return;
    if (record.t === 'clock-applied') floorMs = Math.max(floorMs, record.iat_s * 1000);
    else if (record.t === 'clock-reset') floorMs = record.floor_ms;
    else {
      floorMs = Math.max(floorMs, record.floor_ms);
      last = record;
    }
  };
  const tick = (): JournalRecord & Stored => {
    const wallMs = clock.wallMs();
    const bootMs = clock.bootMs();
    // Time is believed only where it goes on as the boot-time clock does: a jump of years must not raise the floor for ever.
    const agrees =
      last !== null &&
      last.boot === clock.bootId &&
      Math.abs(wallMs - last.wall_ms - (bootMs - last.boot_ms)) <= STRAY_MAX_MS;
    return {
      t: 'clock-tick',
      boot: clock.bootId,
      boot_ms: bootMs,
      wall_ms: wallMs,
      powered_ms: poweredMs(),
      floor_ms: agrees && wallMs > floorMs ? wallMs : floorMs,
    };
  };
  return {
    types: TYPES,
    fold,
    snapshot: () => [last ?? tick()].map((record) => ({ ...record, floor_ms: floorMs })),
    floorMs: () => floorMs,
    trust: () => (clock.wallMs() >= floorMs ? 'ok' : 'untrusted'),
    poweredS: () => Math.floor(poweredMs() / 1000),
    tick,
    reset: () => ({ t: 'clock-reset', floor_ms: builtAtMs }),
    applied: (iatS) => ({ t: 'clock-applied', iat_s: iatS }),
  };
}
