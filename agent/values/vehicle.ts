/**
 * Messages of one vehicle may overtake each other by this much: what is older than the newest by no more is late; further back, its clock
 * began anew. Reason: a recorded flight has a burst that is 1.5 s late, and the first start of an autopilot takes longer.
 */
export const LATE_MAX_MS = 2_000;

/** The vehicle as `status`, the heartbeat and the fleet see it. What is not known is null, never zero. */
export interface VehicleView {
  /** Whether a gated config may be changed now: only `safe` lets it through. */
  readonly safety: 'safe' | 'unsafe' | 'unknown';
  /** In plain words. */
  readonly reason: string;
  /** RFC 3339 UTC: since when it is so. */
  readonly since: string;
  /** How often `safety` has changed since the agent started. */
  readonly flips: number;
  /** Where it is heard, such as `mavlink udp://127.0.0.1:14550 system 1`. */
  readonly source: string;
  /** `open`, or in words why not. */
  readonly wire: string;
  readonly armed: boolean | null;
  readonly fix: 'none' | '2d' | '3d' | null;
  readonly satellites: number | null;
  readonly battery_percent: number | null;
  readonly battery_v: number | null;
  /** Number of the mission item it flies to. */
  readonly mission_item: number | null;
  /** Distance of the target from the position. */
  readonly correction_m: number | null;
  /** Since the last message of the vehicle itself. */
  readonly last_message_age_s: number | null;
  readonly messages: number;
  readonly bytes: number;
  /** Frames or lines that were not believed: damaged, or not signed as they should be. */
  readonly refused: number;
}

/** The vehicle for a person, in rows of a label and a text; `when` says since when it is so. */
export function sayVehicle(vehicle: VehicleView, when: string): readonly (readonly [string, string])[] {
  const { safety, reason, source, wire, fix, satellites, battery_percent, battery_v, messages } = vehicle;
  const parts = [
    ...(fix === null ? [] : [fix === 'none' ? 'no fix' : `${fix} fix`]),
    ...(satellites === null ? [] : [`${satellites} satellites`]),
    ...(battery_percent === null ? [] : [`battery ${battery_percent} %`]),
    ...(battery_v === null ? [] : [`${battery_v.toFixed(1)} V`]),
  ];
  return [
    ['vehicle', `${safety}: ${reason}, since ${when}`],
    ['  from', `${source}${wire === 'open' ? '' : `: ${wire}`}, ${messages} messages`],
    ...(parts.length === 0 ? [] : [['  has', parts.join(', ')] as const]),
  ];
}

/** Why the vehicle speaks against a change, in words; null where it is safe. */
export function sayAgainst({ safety, reason }: Pick<VehicleView, 'safety' | 'reason'>): string | null {
  if (safety === 'safe') return null;
  return `the vehicle is ${safety === 'unsafe' ? 'not safe' : 'not known to be safe'}: ${reason}`;
}
