import type { VehicleFeed, VehicleState } from '../ports/vehicle.ts';
import type { Cancel } from '../ports/world.ts';
import type { VehicleView } from '../values/vehicle.ts';

/** Where the vehicle is heard: MAVLink or gpsd. Times are of the boot-time clock. */
export interface Source {
  /** In words. */
  readonly name: string;
  readonly feed: VehicleFeed;
  /** From now on it listens; `heard` is called when the state may have changed. */
  start(heard: () => void): Cancel;
  state(nowMs: number): VehicleState;
  /** When the state will change by time alone; null if it will not. */
  nextMs(nowMs: number): number | null;
  view(nowMs: number): Pick<VehicleView, 'wire' | 'armed' | 'mission_item' | 'refused'>;
}

/** Those who want to be told something. */
export interface Listeners<T> {
  add(listener: (what: T) => void): Cancel;
  tell(what: T): void;
}

/** Makes an empty list of them. */
export function createListeners<T>(): Listeners<T> {
  const all = new Set<(what: T) => void>();
  return {
    add(listener) {
      // One that is added twice is told twice.
      const own = (what: T) => listener(what);
      all.add(own);
      return () => void all.delete(own);
    },
    tell(what) {
      for (const listener of all) listener(what);
    },
  };
}
