import type { Broker, Queued } from '../ports/broker.ts';
import type { Fetch } from '../ports/fetch.ts';
import type { Files, OpenView, WatchDir } from '../ports/files.ts';
import type { Hooks } from '../ports/hooks.ts';
import type { JournalFile } from '../ports/journal.ts';
import type { KernelLocks } from '../ports/kernel.ts';
import type { Log } from '../ports/log.ts';
import type { Processes, Units } from '../ports/processes.ts';
import type { Sensors } from '../ports/sensors.ts';
import type { Supervisor } from '../ports/supervisor.ts';
import type { Parsers, Targets } from '../ports/targets.ts';
import type { Wires } from '../ports/vehicle.ts';
import type { Chance, Clock, Cron, Ed25519, Sha256 } from '../ports/world.ts';

/** Everything outside that the agent works with. */
export interface Host {
  readonly files: Files;
  readonly targets: Targets;
  readonly fetch: Fetch;
  readonly kernel: KernelLocks;
  readonly processes: Processes;
  readonly units: Units;
  readonly hooks: Hooks;
  /** Absent: requests on the control surface of a lock are noticed within 5 s instead of at once. */
  readonly watchDir?: WatchDir;
  /** Absent: what is written again and again is written whole each time. */
  readonly openView?: OpenView;
  /** Absent: garbage is collected at the start only. */
  readonly cron?: Cron;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly sha256: Sha256;
  readonly ed25519: Ed25519;
  readonly log: Log;
  readonly parsers: Parsers;
  /** Absent: nobody supervises this process. */
  readonly supervisor?: Supervisor | undefined;
  readonly sensors: Sensors;
  /** Null: this run takes documents from files only. */
  readonly broker: Broker | null;
  /** Absent: what is written to the link counts as arrived, until the link ends. */
  readonly queued?: Queued;
  /** Absent: the vehicle is not listened to, so it is never known to be safe. */
  readonly wires?: Wires | undefined;
  readonly journal: JournalFile;
  /** What telemetry remembers; opened only with a broker. */
  readonly telemetry: JournalFile;
  readonly version: string;
  readonly builtAtMs: number;
  /** Nothing can go on: our own bug, or a disk that lies. The process must end; a restart reads the truth from the disk. */
  onFatal(error: unknown): void;
}
