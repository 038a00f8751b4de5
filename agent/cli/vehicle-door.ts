import { hostChance, sha256 } from '../host/chance.ts';
import { hostClock } from '../host/clock.ts';
import { askControl } from '../host/control.ts';
import { hostFiles } from '../host/files.ts';
import type { VehicleState } from '../ports/vehicle.ts';
import type { Cancel } from '../ports/world.ts';
import type { Settings } from '../settings-schema.ts';
import { isGated, NO_VEHICLE } from '../update/gates.ts';
import { sayAgainst } from '../values/vehicle.ts';
import type { Vehicle } from '../vehicle/vehicle.ts';
import type { Terminal } from './command.ts';
import { wiresFor } from './wires.ts';

/** How long the daemon may take to answer; it knows at once. */
const ANSWER_MS = 5_000;

function isState(value: unknown): value is VehicleState {
  if (typeof value !== 'object' || value === null || !('safety' in value) || !('reason' in value)) return false;
  const { safety, reason } = value;
  return (safety === 'safe' || safety === 'unsafe' || safety === 'unknown') && typeof reason === 'string';
}

/** Has this process listen to the vehicle until it is known: the daemon, which listens all the time, is dead. */
export async function listenFirst(
  { listen }: { listen(): Promise<void> },
  { vehicle }: Settings,
  terminal: Pick<Terminal, 'err'>,
): Promise<void> {
  if (vehicle === undefined) return;
  terminal.err('the agent does not run: the vehicle is listened to here, for ten seconds at most\n');
  await listen();
}

/** The vehicle, for a command that works without the daemon too. */
export interface VehicleAsk {
  /**
   * Why it speaks against changing something about a config now; null where it is safe, or the config asks for nothing. The daemon
   * is asked; if none runs, this process listens, and goes on listening. Throws Failure io for a daemon that does not answer,
   * SaidError for a signing key that cannot be read.
   */
  whyNotSafe(name: string): Promise<string | null>;
  /** Listens no more. */
  close(): void;
}

/** Opens it; nothing is asked or heard yet. */
export function openVehicleAsk(settings: Settings, terminal: Pick<Terminal, 'err'>): VehicleAsk {
  let own: Vehicle | null = null;
  let stop: Cancel = () => {};
  const listen = async () => {
    const { listenTo, vehicleOf } = await import('../hall/vehicle.ts');
    const clock = hostClock();
    const rest = { chance: hostChance, sha256, files: hostFiles(), log: { say: () => {} } };
    own = vehicleOf(settings, { clock, ...rest, wires: await wiresFor(settings) });
    if (own !== null) stop = await listenTo(own, { clock });
  };
  const state = async (): Promise<VehicleState> => {
    // Once this process has its ear on the wire a daemon that starts meanwhile may not get there.
    if (own === null) {
      const answer = await askControl(`${settings.paths.run}/control.sock`, { do: 'vehicle' }, ANSWER_MS);
      if (isState(answer)) return answer;
      if (answer !== null) return { safety: 'unknown', reason: 'the agent gave no answer' };
      await listenFirst({ listen }, settings, terminal);
    }
    return own?.door.state() ?? NO_VEHICLE.state();
  };
  return {
    async whyNotSafe(name) {
      const config = settings.configs[name];
      const isAsked = config !== undefined && isGated(config, null, settings.vehicle !== undefined);
      return isAsked ? sayAgainst(await state()) : null;
    },
    close: () => stop(),
  };
}
