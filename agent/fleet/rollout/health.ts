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
  /** It was away when it was changed: that it has started since, and what it was like before, says nothing of the change. */
  readonly wasAway: boolean;
}

/** Nothing was heard. */
export const NO_PULSES: Pulses = {
  ...{ before: null, after: null, restarts: 0, heardMs: null, pastBoots: [], wasAway: false },
};

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
  if (last !== null && isLate(last, pulse, pulses.pastBoots, nowMs - (pulses.heardMs ?? nowMs))) return pulses;
  const hasBooted = last !== null && pulse.boot !== last.boot;
  const pastBoots = hasBooted ? [...pulses.pastBoots, last.boot].slice(-BOOTS_MAX) : pulses.pastBoots;
  if (!isChanged) return { ...NO_PULSES, before: pulse, heardMs: nowMs, pastBoots };
  const restarted = hasBooted || (last !== null && !isSameRun(last, pulse));
  const restarts = pulses.restarts + (restarted ? 1 : 0);
  return { ...pulses, after: pulse, restarts, heardMs: nowMs, pastBoots };
}

/** Boots of a device that are remembered. Effect: a beat of a boot before these counts as a restart. */
const BOOTS_MAX = 16;

/**
 * True for a beat that is older than the last one. A device without a clock of its own comes up in the past: between two boots the time
 * counts only where the device trusted it both times. Within a boot an earlier time is one of an agent that ran before, unless it is the
 * next beat of the same one: its clock was set back. One that ran before may well have been up for longer, but not by just the time that
 * has passed here.
 */
function isLate(last: Pulse, pulse: Pulse, pastBoots: readonly string[], passedMs: number): boolean {
  const isEarlier = pulse.atMs < last.atMs;
  if (pulse.boot !== last.boot) {
    return pastBoots.includes(pulse.boot) || (isEarlier && pulse.isDated && last.isDated);
  }
  const isNext = isSameRun(last, pulse) && (pulse.uptimeS - last.uptimeS) * 1000 <= passedMs + SKEW_MS;
  return isEarlier && !isNext;
}

/** True for a beat that may be of the same process, after the last one, whatever its clock has done meanwhile. */
function isSameRun(last: Pulse, pulse: Pulse): boolean {
  return pulse.seq >= last.seq && pulse.uptimeS >= last.uptimeS;
}

/** One link that is made again may be the broker's doing. */
const RECONNECTS_FREE = 1;

/** How far the clocks of a device and an operator may be apart, both of them trusted, in milliseconds. */
const SKEW_MS = 10_000;

/**
 * Why a device is worse off than before it was changed; null if it is not, or nobody can tell. What it did as often before is not held
 * against the change. `changedS` and `nowS` are epoch seconds; `ranMs` is since when it runs what it was changed to, epoch ms by its own
 * clock, null if it does not say; a start within `watchedS` of that, in seconds, counts as one of the change. Pure.
 */
export function whyWorse(
  { before: was, after, restarts: heard, wasAway }: Pulses,
  {
    changedS,
    nowS,
    ranMs,
    watchedS,
  }: { readonly changedS: number; readonly nowS: number; readonly ranMs: number | null; readonly watchedS: number },
): string | null {
  if (after === null) return null;
  const before = wasAway ? null : was;
  const sinceS = nowS - changedS;
  const asOften = (count: number) => (before === null || before.uptimeS <= 0 ? 0 : (count * sinceS) / before.uptimeS);
  // Who was away has to start to be back.
  const restarts = Math.max(0, heard - (wasAway ? 1 : 0));
  const hasStarted = before === null && !wasAway && startedSince(after, { changedS, ranMs, watchedS });
  const starts = Math.max(restarts, hasStarted ? 1 : 0);
  // An agent that had been up for a minute only may well have been restarting before.
  if (starts > Math.floor(asOften(1))) return `its agent has restarted ${times(starts)} since`;
  if (before !== null) {
    const links = restarts > 0 ? after.reconnects : after.reconnects - before.reconnects;
    if (links > RECONNECTS_FREE + Math.floor(asOften(before.reconnects)))
      return `its link was lost ${times(links)} since`;
    const [had, is] = [before.vehicle, after.vehicle];
    if (had?.heard === true && is?.heard === false) return `its vehicle is not heard any more: ${is.reason}`;
    if (had?.hasFix === true && is?.hasFix === false) return `its vehicle has lost its fix: ${is.reason}`;
  }
  return null;
}

/**
 * True for an agent that has started soon after it began to run what it was changed to. Who goes on for somebody else has heard nothing of
 * before, and this is all that it can tell. Much later it is somebody who turned the device off and on.
 */
function startedSince(
  { atMs, isDated, uptimeS }: Pulse,
  {
    changedS,
    ranMs,
    watchedS,
  }: { readonly changedS: number; readonly ranMs: number | null; readonly watchedS: number },
): boolean {
  // Before it was changed it cannot have begun with it: then its clock was wrong.
  if (!isDated || ranMs === null || ranMs < changedS * 1000 - SKEW_MS) return false;
  const afterMs = atMs - uptimeS * 1000 - ranMs;
  return afterMs > SKEW_MS && afterMs <= watchedS * 1000;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
