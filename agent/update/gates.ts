import type { LockDoor } from '../ports/lock.ts';
import type { VehicleDoor } from '../ports/vehicle.ts';
import type { Clock } from '../ports/world.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import { type Code, Failure } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import { type Admission, type AdmitInput, admit } from './admit.ts';
import type { Safety } from './ask.ts';
import type { Fetches, Late } from './fetches.ts';
import type { HeldUpdate } from './ledger.ts';
import type { ResolveTime } from './resolve.ts';

/** What the gates look at. */
export interface GatePorts {
  readonly locks: Pick<LockDoor, 'reach'>;
  readonly clock: Clock;
  readonly vehicle: VehicleDoor;
  /** True where the settings name a vehicle: every config is gated then, unless it says otherwise. */
  readonly hasVehicle: boolean;
  /** Why a halt holds an update that was never applied; null if none does. */
  halted(held: HeldUpdate): string | null;
  time(): ResolveTime;
  readonly fetches: Pick<Fetches, 'late'>;
  /** Words for who has a lock. */
  lockWords(lock: LockState): string;
}

/** The config that is to change. */
export interface GatePlace {
  readonly config: string;
  /** Base name of the file people know the config by. */
  readonly file: string;
  readonly settings: ConfigSettings;
}

/** The gates of all configs. A document that is null stands for the return to what was there before Locksmith. */
export interface Gates {
  /** Asks all gates; `lock` where it has just been found. */
  look(place: GatePlace, held: HeldUpdate | null, lock?: LockState): Admission;
  /** Asks those that can shut while the lock is ours. Cheap. */
  stillOpen(place: GatePlace, held: HeldUpdate | null): boolean;
  /** The vehicle's gate alone. */
  safety(place: GatePlace, held: HeldUpdate | null): Safety;
  /** How it failed on the disk just now; null: it did not. */
  disk(config: string, trouble: { readonly code: Code; readonly reason: string } | null): void;
}

/** Stands where the settings name no vehicle: nothing is known of one, and unknown is not safe. */
export const NO_VEHICLE: VehicleDoor = {
  state: () => ({ safety: 'unknown', reason: 'no vehicle configured' }),
  onChange: () => () => {},
};

/** True for a document that is to be applied for the first time. */
export function isFresh(held: HeldUpdate | null): held is HeldUpdate {
  return held !== null && held.ended === null;
}

/** Is the vehicle asked before this changes? The settings decide, a document can only ask for more. Pure. */
export function isGated(settings: ConfigSettings, held: HeldUpdate | null, hasVehicle: boolean): boolean {
  return (settings.vehicle ?? (hasVehicle ? 'safe' : 'any')) === 'safe' || held?.when?.vehicle === 'safe';
}

function sayLate(late: Late | null): AdmitInput['download'] {
  if (late === null) return null;
  const { file, failure } = late;
  if (failure !== null) return { code: failure.code, reason: failure.message };
  return { code: null, reason: `${file.name} is being fetched from ${file.url}` };
}

/** Makes the gates. */
export function createGates(ports: GatePorts): Gates {
  const troubles = new Map<string, { readonly code: Code; readonly reason: string }>();

  const input = (
    { config, file, settings }: GatePlace,
    held: HeldUpdate | null,
  ): Omit<AdmitInput, 'lock' | 'lockWords'> => {
    const fresh = isFresh(held);
    // What falls off or is uncovered waits for no window: it has had its time.
    const timed = fresh && !held.covered;
    return {
      file,
      onHot: fresh ? settings.on_hot : 'wait',
      vehicle: isGated(settings, held, ports.hasVehicle) ? ports.vehicle.state() : null,
      halted: fresh ? ports.halted(held) : null,
      windows: timed ? [settings.window ?? [], held.when?.window ?? []].flat() : [],
      nowMs: ports.clock.wallMs(),
      clock: ports.time().clock,
      download: sayLate(ports.fetches.late(config)),
      disk: troubles.get(config) ?? null,
    };
  };
  const reach = (config: string): LockState | null => {
    try {
      return ports.locks.reach(config);
    } catch (error) {
      // A disk that is known to be in trouble may keep the lock from being read too.
      if (error instanceof Failure && troubles.has(config)) return null;
      throw error;
    }
  };
  return {
    look(place, held, found) {
      const lock = found ?? reach(place.config);
      const { disk, ...rest } = input(place, held);
      if (lock === null) return admit({ ...rest, disk, lock: FREE, lockWords: '' });
      return admit({ ...rest, disk, lock, lockWords: lock.state === 'HOT' ? ports.lockWords(lock) : '' });
    },
    stillOpen: (place, held) =>
      admit({ ...input(place, held), disk: null, lock: FREE, lockWords: '' }).kind === 'admitted',
    safety: ({ settings }, held) => ({
      isSafe: () => !isGated(settings, held, ports.hasVehicle) || ports.vehicle.state().safety === 'safe',
      onChange: ports.vehicle.onChange,
    }),
    disk(config, trouble) {
      if (trouble === null) troubles.delete(config);
      else troubles.set(config, trouble);
    },
  };
}

/** Stands for a lock that is not asked. */
const FREE: LockState = { state: 'COLD', verdict: null, holder: null, since: null, token: 0, refusals: 0, file: '' };
