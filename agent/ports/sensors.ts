import type { MachineReading } from '../values/machine.ts';

/** What devices of the machine measure. */
export type DeviceReading = Pick<MachineReading, 'temperature_c' | 'battery'>;

/** Thermometers and batteries. */
export interface Devices {
  /** A promise only where one has to be waited for; one that does not answer is absent. Never rejects. */
  read(): DeviceReading | Promise<DeviceReading>;
}

/** The sensors of the machine. Starts no process; never fails for a sensor that is not there. */
export interface Sensors {
  /** A promise only where it has to be waited for. */
  read(): MachineReading | Promise<MachineReading>;
}
