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
