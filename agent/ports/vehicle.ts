import type { Cancel } from './world.ts';

/** Is it safe to change a gated config now? Only `safe` lets it through. */
export interface VehicleState {
  readonly safety: 'safe' | 'unsafe' | 'unknown';
  /** In plain words, e.g. `armed`, `no heartbeat for 3 s`, `disarmed and landed`. */
  readonly reason: string;
}

/** What the rest of the agent asks about the vehicle. Reading is cheap and synchronous: asked again inside the committing section. */
export interface VehicleDoor {
  state(): VehicleState;
  /** Told at each change of `safety`. */
  onChange(listener: () => void): Cancel;
}

/** One point of the way, at the vehicle's own clock. */
export interface PositionSample {
  /** ms since the autopilot started, or the receiver's time; falls when that restarted or was wrong before, and a little where a point is late. */
  readonly bootMs: number;
  /** Unix ms: bootMs + an offset from the vehicle's time, else from the wall clock. The offset moves only where it is off by over 1 s. */
  readonly unixMs: number;
  readonly latDeg: number;
  readonly lonDeg: number;
  /** Above mean sea level. */
  readonly altM: number;
  /** m/s, north/east/down; null where unknown. */
  readonly velocity: { readonly northMps: number; readonly eastMps: number; readonly downMps: number } | null;
  /** Where its nose points, from north over east; null where unknown. */
  readonly headingDeg: number | null;
  /** Horizontal, 1 sigma; null where unknown. */
  readonly accuracyM: number | null;
}

/** What satellites say of the position. */
export interface Fix {
  readonly kind: 'none' | '2d' | '3d';
  readonly satellites: number | null;
}

/** How full the battery is; null where unknown. */
export interface Battery {
  readonly percent: number | null;
  readonly volts: number | null;
}

/** What a source (MAVLink, gpsd, recorded file) tells telemetry. */
export interface VehicleFeed {
  onSample(listener: (sample: PositionSample) => void): Cancel;
  /** A flight begins (armed) or ends (disarmed); the first heartbeat tells how it is. gpsd never tells: what flies there is told by movement. */
  onFlight(listener: (flying: boolean) => void): Cancel;
  /** |target - position| in metres, as it is now; null where unknown. */
  correctionM(): number | null;
  /** Null where nothing was heard of it lately. */
  fix(): Fix | null;
  battery(): Battery | null;
  /** Messages of the vehicle itself, bytes of everybody; the last message on the boot-time clock. */
  seen(): { readonly messages: number; readonly bytes: number; readonly lastBootMs: number | null };
}

/** Sends bytes back to where some came from; dropped without a word if nobody is there. */
export type Reply = (bytes: Uint8Array) => void;

/** What an open wire says, never before `open` has returned. Nothing is said after `ended`, which comes exactly once. */
export interface WireEvents {
  opened(): void;
  bytes(bytes: Uint8Array, reply: Reply): void;
  /** In plain words. */
  ended(why: string): void;
}

/** A way to a vehicle that can be opened again and again. Never throws: whatever goes wrong is said by `ended`. */
export interface Wire {
  /** In words, such as `udp://127.0.0.1:14550`. */
  readonly name: string;
  /** Bytes come in whole datagrams, each of which stands alone. */
  readonly datagrams: boolean;
  /** Calling what comes back closes it; `ended` follows. */
  open(events: WireEvents): Cancel;
}

/** A file of bytes, read from its start. */
export interface Recording {
  /** The next bytes, at most `max`; none at its end. Rejects with Failure. */
  read(max: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The ways to a vehicle that this machine has. */
export interface Wires {
  /** Listens; answers go to whoever sent last. */
  udp(host: string, port: number): Wire;
  tcp(host: string, port: number): Wire;
  serial(path: string, baud: number): Wire;
  /** Rejects with Failure if there is none. */
  recording(path: string): Promise<Recording>;
}
