import { isFields } from '../../values/fields.ts';

/** What a heartbeat says of how a device is. */
export interface Pulse {
  /** By the clock of the device. */
  readonly atMs: number;
  /** The device trusts its clock. */
  readonly isDated: boolean;
  /** The boot of the device; empty where it does not say. */
  readonly boot: string;
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
  /** When the last one came, monotonic ms here; null if none was heard. */
  readonly heardMs: number | null;
  /** Boots that are over. */
  readonly pastBoots: readonly string[];
}

/** Nothing was heard. */
export const NO_PULSES: Pulses = { before: null, after: null, restarts: 0, heardMs: null, pastBoots: [] };

/** Reads a heartbeat; null if it is none. Pure. */
export function readPulse(fields: Readonly<Record<string, unknown>>): Pulse | null {
  const { at, clock, boot, seq, uptime_s, link, vehicle } = fields;
  const atMs = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  const reconnects = isFields(link) ? link.reconnects : undefined;
  if (!Number.isFinite(atMs) || typeof seq !== 'number' || typeof uptime_s !== 'number') return null;
  return {
    ...{ atMs, isDated: clock === 'ok', boot: typeof boot === 'string' ? boot : '', seq, uptimeS: uptime_s },
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

/** Adds a heartbeat that came at `nowMs`, monotonic. One that was kept while there was no link is passed over. Pure. */
export function addPulse(pulses: Pulses, pulse: Pulse, isChanged: boolean, nowMs: number): Pulses {
  const last = pulses.after ?? pulses.before;
  if (last !== null && isLate(last, pulse, pulses.pastBoots)) return pulses;
  const hasBooted = last !== null && pulse.boot !== last.boot;
  const pastBoots = hasBooted ? [...pulses.pastBoots, last.boot].slice(-BOOTS_MAX) : pulses.pastBoots;
  if (!isChanged) return { before: pulse, after: null, restarts: 0, heardMs: nowMs, pastBoots };
  const restarted = hasBooted || (last !== null && !isSameRun(last, pulse));
  const restarts = pulses.restarts + (restarted ? 1 : 0);
  return { before: pulses.before, after: pulse, restarts, heardMs: nowMs, pastBoots };
}

/** Boots of a device that are remembered. Effect: a beat of a boot before these counts as a restart. */
const BOOTS_MAX = 16;

/**
 * True for a beat that is older than the last one. A device without a clock of its own comes up in the past: between two boots the time
 * counts only where the device trusted it both times.
 */
function isLate(last: Pulse, pulse: Pulse, pastBoots: readonly string[]): boolean {
  const isEarlier = pulse.atMs < last.atMs;
  if (pulse.boot !== last.boot) {
    return pastBoots.includes(pulse.boot) || (isEarlier && pulse.isDated && last.isDated);
  }
  return isEarlier && !isSameRun(last, pulse);
}

/** True for a beat of the same process that came after the last one, whatever its clock has done meanwhile. */
function isSameRun(last: Pulse, pulse: Pulse): boolean {
  return pulse.seq >= last.seq && pulse.uptimeS >= last.uptimeS;
}

/** One link that is made again may be the broker's doing. */
const RECONNECTS_FREE = 1;

/** How far the clocks of a device and an operator may be apart, both of them trusted, in milliseconds. */
const SKEW_MS = 10_000;

/**
 * Why a device is worse off than before it was changed; null if it is not, or nobody can tell. What it did as often before is not held
 * against the change. Times are epoch seconds. Pure.
 */
export function whyWorse(
  { before, after, restarts }: Pulses,
  { changedS, nowS }: { readonly changedS: number; readonly nowS: number },
): string | null {
  if (after === null) return null;
  const sinceS = nowS - changedS;
  const asOften = (count: number) => (before === null || before.uptimeS <= 0 ? 0 : (count * sinceS) / before.uptimeS);
  const startedMs = after.atMs - after.uptimeS * 1000;
  // Who goes on for somebody else has heard nothing of before; but it knows when the device was changed.
  const hasStarted = before === null && after.isDated && startedMs > changedS * 1000 + SKEW_MS;
  const starts = Math.max(restarts, hasStarted ? 1 : 0);
  // An agent that had been up for a minute only may well have been restarting before.
  if (starts > Math.floor(asOften(1))) return `its agent has restarted ${times(starts)} since`;
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
