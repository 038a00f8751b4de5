import { askControl } from '../host/control.ts';
import type { Settings } from '../settings-schema.ts';
import { isGated } from '../update/gates.ts';
import { sayAgainst, type VehicleView } from '../values/vehicle.ts';

/** How long the daemon may take to answer; it knows at once. */
const ANSWER_MS = 5_000;

function isState(value: unknown): value is Pick<VehicleView, 'safety' | 'reason'> {
  if (typeof value !== 'object' || value === null || !('safety' in value) || !('reason' in value)) return false;
  const { safety, reason } = value;
  return (safety === 'safe' || safety === 'unsafe' || safety === 'unknown') && typeof reason === 'string';
}

/**
 * Asks the daemon, which listens to the vehicle, why it speaks against changing something about a config now; null where it is safe, or
 * the config asks for nothing. Throws Failure io if the daemon does not answer.
 */
export async function whyNotSafe(settings: Settings, name: string): Promise<string | null> {
  const config = settings.configs[name];
  if (config === undefined || !isGated(config, null, settings.vehicle !== undefined)) return null;
  const answer = await askControl(`${settings.paths.run}/control.sock`, { do: 'vehicle' }, ANSWER_MS);
  if (isState(answer)) return sayAgainst(answer);
  const reason = answer === null ? 'the agent, which listens to it, does not run' : 'the agent gave no answer';
  return sayAgainst({ safety: 'unknown', reason });
}
