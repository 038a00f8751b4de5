import type { Log } from '../ports/log.ts';
import type { Sensors } from '../ports/sensors.ts';
import type { Clock } from '../ports/world.ts';
import type { MachineReading, MachineState } from '../values/machine.ts';
import { messageOf } from '../values/thrown.ts';
import { rfc3339 } from '../values/units.ts';

/**
 * Readings are no closer together than this. Reason: they cost as much as the rest of a heartbeat; yet each heartbeat has its own where
 * they come every 30 s, and a reading takes up to 2 s.
 */
const PACE_MS = 28_000;
/** A sensor that takes longer (a bus that hangs) is not waited for. */
const PATIENCE_MS = 2_000;

/** The machine as it was read last. */
export interface Machine {
  /** Reads it anew unless that was done within 28 s; null if it could not be read in time. A promise only where that takes time. Never fails. */
  look(): MachineState | null | Promise<MachineState | null>;
}

/** Makes it; one reading at a time. */
export function openMachine(input: { readonly sensors: Sensors; readonly clock: Clock; readonly log: Log }): Machine {
  const { sensors, clock, log } = input;
  let last: MachineState | null = null;
  let lastMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<MachineState | null> | null = null;
  let complained = false;

  const kept = (at: string, found: MachineReading): MachineState => {
    last = { at, ...found };
    lastMs = clock.bootMs();
    complained = false;
    return last;
  };
  const failed = (error: unknown): null => {
    if (!complained) log.say('warning', `sensors: ${messageOf(error)}`);
    complained = true;
    return null;
  };
  /** `asked` has an answer, or the time is over. */
  const wait = (asked: Promise<MachineState | null>): Promise<MachineState | null> =>
    new Promise((resolve) => {
      // What was read long ago is not how the machine is: rather nothing.
      const cancel = clock.after(PATIENCE_MS, () => resolve(null));
      void asked.then((found) => {
        cancel();
        resolve(found);
      });
    });
  return {
    look() {
      if (clock.bootMs() - lastMs < PACE_MS) return last;
      if (reading !== null) return wait(reading);
      const at = rfc3339(clock.wallMs());
      try {
        const found = sensors.read();
        if (!(found instanceof Promise)) return kept(at, found);
        reading = found
          .then((late) => kept(at, late), failed)
          .finally(() => {
            reading = null;
          });
        return wait(reading);
      } catch (error) {
        return failed(error);
      }
    },
  };
}
