import type { Waiting } from './backlog.ts';
import type { LaneCounts } from './lanes.ts';
import type { LinkState } from './link.ts';
import type { LockState } from './lock.ts';
import type { MachineState } from './machine.ts';
import type { ClockTrust, Reported } from './report.ts';
import type { VehicleView } from './vehicle.ts';

/**
 * Whether the daemon lives: by the lock it holds on its state, or by its beat and its process where only root may ask for that. And
 * whether it moves: by its beat.
 */
export interface AgentState {
  /** `frozen`: the process is there and does not move. `unknown`: only root can tell. Only of one that runs is what it said last still so. */
  readonly state: 'running' | 'frozen' | 'stopped' | 'unknown';
  readonly pid: number | null;
  /** Of the daemon that runs, or ran last. */
  readonly version: string | null;
  readonly since: string | null;
  /** When it last wrote its status; null if it never did. */
  readonly last_sign: string | null;
  /** When its locks, its line and its loop last moved; null if that is not known. */
  readonly last_beat: string | null;
  /** How long ago that was, whatever the wall clock says. */
  readonly last_beat_age_s: number | null;
}

/** What is known of the time. */
export interface ClockState {
  readonly trust: ClockTrust;
  /** RFC 3339 UTC: the wall clock now. */
  readonly now: string;
  /** RFC 3339 UTC: the latest time this device has surely seen; a clock before it is wrong. */
  readonly floor: string;
}

/** The device at a glance: what `status` shows and prints with --json. */
export interface Status {
  readonly device: string;
  readonly clock: ClockState;
  readonly agent: AgentState;
  /** As the daemon said it last; null if none runs and moves, or if that is not known. */
  readonly link: LinkState | null;
  /** Bytes an hour over the link, as of the last ten minutes before the last heartbeat; null before the first, and where `link` is. */
  readonly sent_bytes_per_h: number | null;
  readonly backlog: Waiting;
  readonly configs: Readonly<Record<string, Reported>>;
  readonly locks: Readonly<Record<string, LockState>>;
  /** What every HOT lock means and what to do about it. */
  readonly advice: Readonly<Record<string, { readonly explanation: string; readonly remedy: string }>>;
  /** Version of the trust document in force; null: there is none, and the keys are those of `trust.keys`, or it could not be read. */
  readonly trust_version: number | null;
  /** As it was at `agent.last_sign`; null where the settings name none, and where `link` is. */
  readonly vehicle: VehicleView | null;
  /** As of the last heartbeat; null before the first, where it could not be read, and where `link` is. */
  readonly machine: MachineState | null;
  /** What has happened since the agent started; null if that is not known. */
  readonly counters: {
    /** Updates by how they ended, and redeliveries. */
    readonly outcomes: Readonly<Record<string, number>>;
    /** By code. */
    readonly refused: Readonly<Record<string, number>>;
    /** Telemetry given up because too much waited, or too long. */
    readonly dropped: LaneCounts;
  } | null;
  /** What could not be read, and why: root would see it. */
  readonly hidden: readonly string[];
}
