import type { Commands } from '../command/intake.ts';
import type { RunningOutbox } from '../link/outbox.ts';
import { openSession, type Session } from '../link/session.ts';
import type { LockRoom } from '../lock/room.ts';
import type { Broker } from '../ports/broker.ts';
import type { Settings } from '../settings-schema.ts';
import { openMachine } from '../telemetry/machine.ts';
import { openPulse, type Pulse } from '../telemetry/pulse.ts';
import type { ClockFloor } from '../trust/clock-floor.ts';
import type { Line } from '../update/line.ts';
import { deviceTopic } from '../values/topics.ts';
import type { Host } from './host.ts';

/** The rooms that speak through the link, and those whose state goes into the heartbeat. */
export interface LinkRooms {
  readonly commands: Commands;
  readonly line: Line;
  readonly locks: LockRoom;
  readonly outbox: RunningOutbox;
  readonly floor: ClockFloor;
}

/** The link to the broker and the heartbeat that goes over it. */
export interface Link {
  readonly session: Session;
  readonly pulse: Pulse;
}

/** Builds session and pulse; nothing is sent before they are started. */
export function openLink(settings: Settings, host: Host, broker: Broker, rooms: LinkRooms): Link {
  const { files, clock, chance, log } = host;
  const { commands, line, locks, outbox, floor } = rooms;
  const configNames = Object.keys(settings.configs);
  const readings = () => {
    const { refused, outcomes, duplicates } = line.counters();
    return {
      clock: floor.trust(),
      backlog: outbox.backlog(),
      configs: Object.fromEntries(configNames.map((name) => [name, line.view(name).running])),
      locks: Object.fromEntries(configNames.map((name) => [name, locks.look(name)])),
      counters: {
        applied: outcomes.applied ?? 0,
        failed: outcomes.failed ?? 0,
        superseded: outcomes.superseded ?? 0,
        withdrawn: outcomes.withdrawn ?? 0,
        expired: outcomes.expired ?? 0,
        duplicates,
        refused,
      },
    };
  };
  const session = openSession({
    settings,
    broker,
    clock,
    chance,
    log,
    onFrame: async (frame) => {
      if (commands.isOurs(frame)) await commands.frame(frame);
      else await line.frame(frame);
    },
    onUp: (publish) => outbox.linkUp(publish),
    onDown: () => outbox.linkDown(),
    onState: () => pulse.linkChanged(),
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
    machine: openMachine({ sensors: host.sensors, clock, log }),
    onBug: host.onFatal,
    publish: (text) => {
      const topic = deviceTopic(settings.broker.root, settings.device.id, 'hb');
      session.publish(topic, text, { qos: 0, retain: false }).catch(host.onFatal);
    },
  });
  return { session, pulse };
}
