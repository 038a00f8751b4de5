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
