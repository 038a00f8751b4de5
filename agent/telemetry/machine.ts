import type { Log } from '../ports/log.ts';
import type { MachineReading, Sensors } from '../ports/sensors.ts';
import type { Clock } from '../ports/world.ts';
import { messageOf } from '../values/thrown.ts';
import { rfc3339 } from '../values/units.ts';

/** A reading of the machine and when it was made (RFC 3339 UTC). */
export interface MachineState extends MachineReading {
  readonly at: string;
}

/** Readings are no closer together than this. Reason: they cost processor time, and a machine does not change faster. */
const PACE_MS = 10_000;
/** A sensor that takes longer (a bus that hangs) is not waited for. */
const PATIENCE_MS = 2_000;

/** The machine as it was read last. */
export interface Machine {
  /** Reads it anew unless that was done within 10 s; null if it could not be read in time. Never rejects. */
  look(): Promise<MachineState | null>;
}

/** Makes it; one reading at a time. */
export function openMachine(input: { readonly sensors: Sensors; readonly clock: Clock; readonly log: Log }): Machine {
  const { sensors, clock, log } = input;
  let last: MachineState | null = null;
  let lastMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<MachineState | null> | null = null;
  let complained = false;

  const read = async (): Promise<MachineState | null> => {
    try {
      last = { at: rfc3339(clock.wallMs()), ...(await sensors.read()) };
      lastMs = clock.bootMs();
      complained = false;
      return last;
    } catch (error) {
      if (!complained) log.say('warning', `sensors: ${messageOf(error)}`);
      complained = true;
      return null;
    } finally {
      reading = null;
    }
  };
  return {
    async look() {
      if (clock.bootMs() - lastMs < PACE_MS) return last;
      reading ??= read();
      const asked = reading;
      return new Promise((resolve) => {
        // What was read long ago is not how the machine is: rather nothing.
        const cancel = clock.after(PATIENCE_MS, () => resolve(null));
        void asked.then((found) => {
          cancel();
          resolve(found);
        });
      });
    },
  };
}
