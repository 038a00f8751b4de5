import { sayBytes, sayDuration } from './units.ts';

/** How the machine is. What it has no sensor for is absent, never zero. */
export interface MachineReading {
  readonly cores: number;
  /** Processor time not spent idle since the reading before, in percent of all cores. */
  readonly busy_percent?: number;
  /** Processes that run or want to, on average over a minute. */
  readonly load_1m: number;
  readonly memory?: { readonly total_bytes: number; readonly available_bytes: number };
  readonly swap?: { readonly total_bytes: number; readonly free_bytes: number };
  /** Of this process: what it holds in RAM. */
  readonly agent_rss_bytes: number;
  /** Of the file system that holds the agent's state. */
  readonly disk?: { readonly total_bytes: number; readonly available_bytes: number };
  /** Degrees Celsius by the name the kernel gives the sensor. */
  readonly temperature_c?: Readonly<Record<string, number>>;
  /** By the name of the supply. */
  readonly battery?: Readonly<Record<string, BatteryReading>>;
  /** By interface, without loopback. Bytes count from boot. */
  readonly network?: Readonly<Record<string, NetworkReading>>;
}

/** One battery of the machine itself. */
export interface BatteryReading {
  readonly percent?: number;
  readonly volts?: number;
  readonly status?: string;
}

/** One network interface. */
export interface NetworkReading {
  readonly up: boolean;
  readonly received_bytes: number;
  readonly sent_bytes: number;
  /** Packets not sent or not received for a fault of the wire. */
  readonly errors: number;
  /** Radio: strength of the signal. */
  readonly signal_dbm?: number;
}

/** A reading of the machine and when it was made (RFC 3339 UTC). */
export interface MachineState extends MachineReading {
  readonly at: string;
}

/** A reading this old is not how the machine is now, so its age is said. Reason: by default one is made every 30 s. */
const OLD_MS = 120_000;

/**
 * The machine in a few words: `load 0.4 on 4 cores, memory 41 % free, disk 3.1 GiB free, 51 °C`. Of several thermometers the hottest, of
 * several batteries the emptiest.
 */
export function sayMachine(machine: MachineState, nowMs: number): string {
  const { cores, load_1m, memory, disk, temperature_c = {}, battery = {}, at } = machine;
  const degrees = Object.values(temperature_c);
  const percents = Object.values(battery).flatMap(({ percent }) => (percent === undefined ? [] : [percent]));
  const ageMs = nowMs - Date.parse(at);
  return [
    `load ${load_1m.toFixed(1)} on ${cores} ${cores === 1 ? 'core' : 'cores'}`,
    ...(memory === undefined
      ? []
      : [`memory ${Math.floor((100 * memory.available_bytes) / memory.total_bytes)} % free`]),
    ...(disk === undefined ? [] : [`disk ${sayBytes(disk.available_bytes)} free`]),
    ...(degrees.length === 0 ? [] : [`${Math.round(Math.max(...degrees))} °C`]),
    ...(percents.length === 0 ? [] : [`battery ${Math.min(...percents)} %`]),
    ...(ageMs < OLD_MS ? [] : [`${sayDuration(ageMs)} ago`]),
  ].join(', ');
}
