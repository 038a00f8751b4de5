import type { Cancel, Clock } from '../ports/world.ts';
import type { Waiting } from '../values/backlog.ts';
import type { LaneCounts } from '../values/lanes.ts';
import type { LinkState } from '../values/link.ts';
import type { LockState } from '../values/lock.ts';
import type { MachineState } from '../values/machine.ts';
import type { ClockTrust } from '../values/report.ts';
import { rfc3339 } from '../values/units.ts';
import type { VehicleView } from '../values/vehicle.ts';

/** What has happened since the agent started. */
export interface Counters {
  readonly applied: number;
  readonly failed: number;
  readonly rolled_back: number;
  readonly superseded: number;
  readonly withdrawn: number;
  readonly expired: number;
  readonly duplicates: number;
  /** Refusals by code; codes that never came are left out. */
  readonly refused: Readonly<Record<string, number>>;
  /** Telemetry given up because too much waited, or too long. */
  readonly dropped: LaneCounts;
}

/** What waits for the broker, where telemetry is known. */
export interface Backlog extends Waiting {
  readonly telemetry: NonNullable<Waiting['telemetry']>;
}

/** What a heartbeat is made from. Times in milliseconds. */
export interface HeartbeatInput {
  /** Counts heartbeats alone; starts at 1 with the agent. */
  readonly seq: number;
  readonly boot: string;
  readonly wallMs: number;
  readonly clock: ClockTrust;
  /** Since the agent started. */
  readonly uptimeMs: number;
  readonly agentVersion: string;
  readonly link: LinkState;
  /** Bytes an hour over the link, as of the last ten minutes. */
  readonly sentBytesPerH: number;
  readonly backlog: Backlog;
  readonly configs: Readonly<Record<string, { readonly version: number; readonly digest: string }>>;
  readonly locks: Readonly<Record<string, Pick<LockState, 'state' | 'verdict' | 'token'>>>;
  readonly counters: Counters;
  /** Null where there is none in the settings. */
  readonly vehicle: VehicleView | null;
  /** Null: not read in time. */
  readonly machine: MachineState | null;
}

/** A heartbeat as it goes out on `hb` and into the status file. */
export interface Heartbeat {
  readonly seq: number;
  readonly boot: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  readonly clock: ClockTrust;
  readonly uptime_s: number;
  readonly agent_version: string;
  /** `sent_bytes_per_h`: what the link costs, as of the last ten minutes. */
  readonly link: Pick<LinkState, 'since' | 'reconnects' | 'round_trip_ms'> & { readonly sent_bytes_per_h: number };
  readonly backlog: Backlog;
  readonly configs: HeartbeatInput['configs'];
  readonly locks: HeartbeatInput['locks'];
  readonly counters: Counters;
  /** Absent where there is none in the settings. */
  readonly vehicle?: VehicleView;
  /** Absent where it could not be read. */
  readonly machine?: MachineState;
}

/** Puts a heartbeat together. Pure. */
export function heartbeat(input: HeartbeatInput): Heartbeat {
  const { since, reconnects, round_trip_ms } = input.link;
  return {
    seq: input.seq,
    boot: input.boot,
    at: rfc3339(input.wallMs),
    clock: input.clock,
    uptime_s: Math.floor(input.uptimeMs / 1000),
    agent_version: input.agentVersion,
    link: { since, reconnects, round_trip_ms, sent_bytes_per_h: input.sentBytesPerH },
    backlog: input.backlog,
    configs: input.configs,
    locks: input.locks,
    counters: input.counters,
    ...(input.vehicle === null ? {} : { vehicle: input.vehicle }),
    ...(input.machine === null ? {} : { machine: input.machine }),
  };
}

/**
 * Calls `beat` for ever, every `intervalMs` on the monotonic clock; the first time after `unit` (uniform in [0, 1)) of an
 * interval, so that a fleet started at one instant does not speak at one instant.
 */
export function startBeating(clock: Clock, intervalMs: number, unit: number, beat: () => void): Cancel {
  let cancel: Cancel = () => {};
  let dueMs = clock.bootMs() + unit * intervalMs;
  const again = () => {
    const nowMs = clock.bootMs();
    // From when it was due, so that one that came late makes no other late; but what a machine slept through is not made up for.
    dueMs = dueMs + intervalMs > nowMs ? dueMs + intervalMs : nowMs + intervalMs;
    // The next one is set first: a beat that throws must not be the last.
    cancel = clock.after(dueMs - nowMs, again, 'about');
    beat();
  };
  cancel = clock.after(unit * intervalMs, again, 'about');
  return () => cancel();
}
