import type { Settings } from '../settings-schema.ts';
import type { VehicleView } from '../values/vehicle.ts';
import { fine, type Remark } from './finding.ts';

/** Is the vehicle heard? Never `bad`: one that is switched off, or in the air, is no fault of the agent. Pure. */
export function lookAtVehicle(settings: Pick<Settings, 'vehicle'>, vehicle: VehicleView | null): readonly Remark[] {
  if (settings.vehicle === undefined) return [fine('none in the settings')];
  if (vehicle === null) {
    return [
      { health: 'unknown', words: 'only a running agent listens to it', remedy: 'systemctl start locksmith-agent' },
    ];
  }
  const { source, wire, safety, reason, messages, bytes, refused } = vehicle;
  if (wire !== 'open') {
    const remedy =
      settings.vehicle.mavlink?.file === undefined
        ? 'Look at `vehicle` in the settings, and at what should be there; it is tried again by itself.'
        : 'It is played once with each start of the agent: systemctl restart locksmith-agent';
    return [{ health: 'warning', words: `${source}: ${wire}`, remedy }];
  }
  if (messages > 0) return [fine(`${safety}: ${reason}; from ${source}`)];
  const others = `${bytes} bytes of others${refused === 0 ? '' : `, ${refused} refused`}`;
  const remedy = 'Is it switched on, does it send to this address, is `system` its own id, and `signing_key` its key?';
  return [{ health: 'warning', words: `${source}: nothing of it was heard, ${others}`, remedy }];
}
