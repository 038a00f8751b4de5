import { isFields } from '../../values/fields.ts';

/** What a heartbeat says of how a device is. */
export interface Pulse {
  /** By the clock of the device. */
  readonly atMs: number;
  /** Counts from 1 with each start of the agent. */
  readonly seq: number;
  readonly uptimeS: number;
  /** How often the link was made again since the agent started. */
  readonly reconnects: number;
  /** Null where there is no vehicle. */
  readonly vehicle: { readonly heard: boolean; readonly hasFix: boolean; readonly reason: string } | null;
}

/** What is known of the heartbeats of a device, before and after it was changed. */
export interface Pulses {
  /** The last one before; null if none was heard. */
  readonly before: Pulse | null;
  /** The last one after; null if none was heard yet. */
  readonly after: Pulse | null;
  /** How often the agent has started since. */
  readonly restarts: number;
}

/** Nothing was heard. */
export const NO_PULSES: Pulses = { before: null, after: null, restarts: 0 };

/** Reads a heartbeat; null if it is none. Pure. */
export function readPulse(fields: Readonly<Record<string, unknown>>): Pulse | null {
  const { at, seq, uptime_s, link, vehicle } = fields;
  const atMs = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  const reconnects = isFields(link) ? link.reconnects : undefined;
  if (!Number.isFinite(atMs) || typeof seq !== 'number' || typeof uptime_s !== 'number') return null;
  return {
    ...{ atMs, seq, uptimeS: uptime_s },
    reconnects: typeof reconnects === 'number' ? reconnects : 0,
    vehicle: isFields(vehicle)
      ? {
          heard: vehicle.safety !== 'unknown',
          hasFix: vehicle.fix === '2d' || vehicle.fix === '3d',
          reason: typeof vehicle.reason === 'string' ? vehicle.reason : '',
        }
      : null,
  };
}

/** Adds a heartbeat. One that was kept while there was no link comes late and is passed over. Pure. */
export function addPulse(pulses: Pulses, pulse: Pulse, isChanged: boolean): Pulses {
  const last = pulses.after ?? pulses.before;
  if (last !== null && pulse.atMs < last.atMs) return pulses;
  if (!isChanged) return { before: pulse, after: null, restarts: 0 };
  const restarted = last !== null && (pulse.seq < last.seq || pulse.uptimeS < last.uptimeS);
  return { before: pulses.before, after: pulse, restarts: pulses.restarts + (restarted ? 1 : 0) };
}

/** One link that is made again may be the broker's doing. */
const RECONNECTS_FREE = 1;

/**
 * Why a device is worse off than before it was changed, `sinceS` seconds ago; null if it is not, or nobody can tell. What it did as often
 * before is not held against the change. Pure.
 */
export function whyWorse({ before, after, restarts }: Pulses, sinceS: number): string | null {
  if (after === null) return null;
  const asOften = (count: number) => (before === null || before.uptimeS <= 0 ? 0 : (count * sinceS) / before.uptimeS);
  // An agent that had been up for a minute only may well have been restarting before.
  if (restarts > Math.floor(asOften(1))) return `its agent has restarted ${times(restarts)} since`;
  if (before !== null) {
    const links = restarts > 0 ? after.reconnects : after.reconnects - before.reconnects;
    if (links > RECONNECTS_FREE + Math.floor(asOften(before.reconnects)))
      return `its link was lost ${times(links)} since`;
    const [was, is] = [before.vehicle, after.vehicle];
    if (was?.heard === true && is?.heard === false) return `its vehicle is not heard any more: ${is.reason}`;
    if (was?.hasFix === true && is?.hasFix === false) return `its vehicle has lost its fix: ${is.reason}`;
  }
  return null;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
