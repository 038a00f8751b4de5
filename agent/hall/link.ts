import { openMeter, packetBytes } from '../link/meter.ts';
import type { RunningOutbox } from '../link/outbox.ts';
import { openSession, type Publish, type Session } from '../link/session.ts';
import type { LockRoom } from '../lock/room.ts';
import type { Broker, Frame } from '../ports/broker.ts';
import type { Cancel } from '../ports/world.ts';
import type { Settings } from '../settings-schema.ts';
import { openMachine } from '../telemetry/machine.ts';
import { openPulse } from '../telemetry/pulse.ts';
import type { ClockFloor } from '../trust/clock-floor.ts';
import type { Line } from '../update/line.ts';
import type { EventBody } from '../values/report.ts';
import { whileSame } from '../values/while-same.ts';
import type { Vehicle } from '../vehicle/vehicle.ts';
import { LAST_WORDS_MS } from './care.ts';
import type { Host } from './host.ts';
import { openTelemetry } from './telemetry.ts';

/** Takes the messages of one kind of topic. */
interface Door {
  isOurs(frame: Frame): boolean;
  /** Resolves when the broker may be told. */
  frame(frame: Frame): Promise<unknown>;
}

/** The rooms that speak through the link, and those whose state goes into the heartbeat. */
export interface LinkRooms {
  /** Those who take messages of one kind each; the rest is for the line. */
  readonly doors: readonly Door[];
  readonly line: Line;
  readonly locks: LockRoom;
  readonly outbox: RunningOutbox;
  readonly floor: ClockFloor;
  /** Null where there is none in the settings. */
  readonly vehicle: Vehicle | null;
  /** Hears that the state of the link has changed. */
  turned(): void;
  /** Makes an event durable and says it. */
  say(event: EventBody): Promise<void>;
  /** Looks after a promise that nobody waits for. */
  later(promise: Promise<unknown>): void;
}

/** How old what `locksmith status` says of the vehicle may be. */
const VEHICLE_MS = 5_000;

/** The link to the broker and what the device tells over it about itself. */
export interface Link {
  readonly session: Session;
  /** Connects, and starts to tell, until cancelled. */
  start(): Cancel;
  /** Leaves the broker; what has not gone out is kept. */
  stop(reason: string): Promise<void>;
}

/** Builds session, pulse and telemetry; nothing is sent before they are started. */
export async function openLink(settings: Settings, host: Host, broker: Broker, rooms: LinkRooms): Promise<Link> {
  const { files, clock, chance, log } = host;
  const { doors, line, locks, outbox, floor, vehicle, say, later } = rooms;
  const configNames = Object.keys(settings.configs);
  const telemetry = await openTelemetry(settings, host, {
    ...{ feed: vehicle?.feed ?? null, records: () => outbox.backlog().count, say, later },
  });
  const { lanes } = telemetry;
  const meter = openMeter(clock);
  const named = <T>(all: readonly T[]) => Object.fromEntries(all.map((one, i) => [configNames[i] ?? '', one]));
  // Nearly every heartbeat says the same of these as the one before.
  const configs = whileSame(
    () => configNames.map((name) => line.running(name)),
    (all) => named(all.map(({ version, digest }) => ({ version, digest }))),
  );
  const lockStates = whileSame(
    // Looked at every 5 s anyway, and told at once when they turn.
    () => configNames.map((name) => locks.lock(name).last() ?? locks.look(name)),
    (all) => named(all.map(({ state, verdict, token }) => ({ state, verdict, token }))),
  );
  const counters = whileSame(
    () => {
      const { refused, outcomes, duplicates } = line.counters();
      return [refused, outcomes, duplicates, lanes.lost()] as const;
    },
    ([refused, outcomes, duplicates, dropped]) => ({
      applied: outcomes.applied ?? 0,
      failed: outcomes.failed ?? 0,
      rolled_back: outcomes['rolled-back'] ?? 0,
      superseded: outcomes.superseded ?? 0,
      withdrawn: outcomes.withdrawn ?? 0,
      expired: outcomes.expired ?? 0,
      ...{ duplicates, refused, dropped },
    }),
  );
  const readings = () => ({
    clock: floor.trust(),
    sentBytesPerH: meter.perHour(),
    backlog: { ...outbox.backlog(), telemetry: lanes.backlog() },
    configs: configs(),
    locks: lockStates(),
    counters: counters(),
  });
  const session = openSession({
    settings,
    broker,
    clock,
    chance,
    log,
    onFrame: async (frame) => {
      const door = doors.find(({ isOurs }) => isOurs(frame));
      await (door ?? line).frame(frame);
    },
    onUp(give, ends) {
      const publish: Publish = (topic, text, options) => {
        meter.count(packetBytes(topic, text, options.qos));
        return give(topic, text, options);
      };
      outbox.linkUp(publish);
      lanes.linkUp(publish, () => host.queued?.(ends()) ?? 0);
      line.linkUp();
    },
    onDown() {
      outbox.linkDown();
      lanes.linkDown();
    },
    onAskedAgain: () => outbox.republish(null),
    onAnswer: lanes.answered,
    onState() {
      pulse.changed();
      rooms.turned();
    },
  });
  const pulse = openPulse({
    clock,
    files,
    log,
    path: `${settings.paths.run}/status.json`,
    pid: host.processes.self().pid,
    agentVersion: host.version,
    intervalMs: settings.telemetry.heartbeat_s * 1000,
    unit: chance.unit(),
    readings,
    link: session.state,
    vehicle: () => vehicle?.view() ?? null,
    machine: openMachine({ sensors: host.sensors, clock, log }),
    onBug: host.onFatal,
    say: (beat) => lanes.say('hb', beat),
  });
  return {
    session,
    start() {
      session.start();
      pulse.start();
      const cancels = [telemetry.watch(), pulse.stop];
      if (vehicle !== null) {
        cancels.push(vehicle.door.onChange(pulse.changed));
        // What changes all the time is told to this machine more often than to the fleet.
        const next = { cancel: () => {} };
        const again = () => {
          next.cancel = clock.after(VEHICLE_MS, again);
          pulse.changed();
        };
        again();
        cancels.push(() => next.cancel());
      }
      return () => {
        for (const cancel of cancels) cancel();
      };
    },
    async stop(reason) {
      // The track under way has just been finished.
      if (session.state().connected) await lanes.drained(LAST_WORDS_MS);
      await session.stop(reason);
      await telemetry.close();
    },
  };
}
