import type { Files } from '../ports/files.ts';
import type { Log } from '../ports/log.ts';
import type { Cancel, Clock } from '../ports/world.ts';
import type { LinkState } from '../values/link.ts';
import type { MachineState } from '../values/machine.ts';
import { messageOf } from '../values/thrown.ts';
import { rfc3339 } from '../values/units.ts';
import type { VehicleView } from '../values/vehicle.ts';
import { type Heartbeat, type HeartbeatInput, heartbeat, startBeating } from './heartbeat.ts';
import type { Machine } from './machine.ts';

/** What the file `status.json` holds for whoever looks while the network is away. */
export interface StatusFile {
  readonly pid: number;
  readonly version: string;
  /** RFC 3339 UTC: when the agent started. */
  readonly since: string;
  /** RFC 3339 UTC: when this was written. */
  readonly at: string;
  readonly link: LinkState;
  /** Null where there is none in the settings. */
  readonly vehicle: VehicleView | null;
  /** The last heartbeat; null before the first. */
  readonly heartbeat: Heartbeat | null;
}

/** How old what the status file says of the last heartbeat may be, where one comes more often. */
const SHOWN_MS = 10_000;

/** What a pulse is made of. */
export interface PulseInput {
  readonly clock: Clock;
  readonly files: Files;
  readonly log: Log;
  /** Path of the status file. */
  readonly path: string;
  readonly pid: number;
  readonly agentVersion: string;
  readonly intervalMs: number;
  /** Uniform in [0, 1): spreads the first beat. */
  readonly unit: number;
  readings(): Pick<HeartbeatInput, 'clock' | 'sentBytesPerH' | 'backlog' | 'configs' | 'locks' | 'counters'>;
  link(): LinkState;
  /** Null where there is none in the settings. */
  vehicle(): VehicleView | null;
  readonly machine: Machine;
  /** Says a heartbeat to the fleet, now or when that is possible. */
  say(beat: Heartbeat): void;
  /** A beat that could not be put together: our own fault. */
  onBug(error: unknown): void;
}

/** Heartbeats to the broker, and the status file that says the same to this machine. */
export interface Pulse {
  start(): void;
  stop(): void;
  /** Writes the status file now: link or vehicle have changed. */
  changed(): void;
}

/** Makes the pulse. */
export function openPulse(input: PulseInput): Pulse {
  const { clock, files, log, path } = input;
  const startedMs = clock.bootMs();
  const since = rfc3339(clock.wallMs());
  let last: Heartbeat | null = null;
  let seq = 0;
  let cancel: Cancel = () => {};
  let stopped = false;
  let shownMs = Number.NEGATIVE_INFINITY;

  const write = () => {
    shownMs = clock.bootMs();
    const status: StatusFile = {
      pid: input.pid,
      version: input.agentVersion,
      since,
      at: rfc3339(clock.wallMs()),
      link: input.link(),
      vehicle: input.vehicle(),
      heartbeat: last,
    };
    try {
      files.writeView('view.status', path, `${JSON.stringify(status)}\n`, 0o644);
    } catch (error) {
      log.say('warning', `${path} cannot be written: ${messageOf(error)}`);
    }
  };
  const tell = (machine: MachineState | null) => {
    if (stopped) return;
    const isFirst = last === null;
    seq += 1;
    const link = input.link();
    last = heartbeat({
      ...input.readings(),
      seq,
      boot: clock.bootId,
      wallMs: clock.wallMs(),
      uptimeMs: clock.bootMs() - startedMs,
      agentVersion: input.agentVersion,
      link,
      vehicle: input.vehicle(),
      machine,
    });
    // First kept, then shown: whoever reads of a beat here can count on it, also if this process is killed now.
    input.say(last);
    if (isFirst || input.intervalMs >= SHOWN_MS || clock.bootMs() - shownMs >= SHOWN_MS) write();
  };
  const beat = () => {
    const looked = input.machine.look();
    if (looked instanceof Promise) return void looked.then(tell).catch(input.onBug);
    try {
      tell(looked);
    } catch (error) {
      input.onBug(error);
    }
  };
  return {
    start() {
      write();
      cancel = startBeating(clock, input.intervalMs, input.unit, beat);
    },
    stop() {
      stopped = true;
      cancel();
    },
    changed: write,
  };
}
