import type { Hands } from '../command/carry.ts';
import { refresh } from '../command/refresh.ts';
import type { RunningOutbox } from '../link/outbox.ts';
import type { OutboxMemory } from '../link/outbox-memory.ts';
import type { Session } from '../link/session.ts';
import { releaseBound } from '../lock/bound.ts';
import type { LockRoom } from '../lock/room.ts';
import type { Saying } from '../ports/outbox.ts';
import type { VehicleDoor } from '../ports/vehicle.ts';
import type { Settings } from '../settings-schema.ts';
import { isGated } from '../update/gates.ts';
import type { Line } from '../update/line.ts';
import { sayAgainst } from '../values/vehicle.ts';
import type { Host } from './host.ts';

/** The rooms a command reaches into. */
export interface HandRooms {
  readonly locks: LockRoom;
  readonly line: Line;
  readonly outbox: RunningOutbox;
  readonly outboxMemory: OutboxMemory;
  readonly vehicle: VehicleDoor;
  /** Null while there is no link. */
  session(): Session | null;
  say(messages: readonly Saying[]): void;
}

/** What carries out commands; and which configs are being released by one right now. */
export interface CommandHands {
  readonly hands: Hands;
  /** The answer of the command tells of it, and what waits is looked at after its last step. */
  isReleasing(config: string): boolean;
}

/** Makes the hands. */
export function openHands(settings: Settings, host: Host, rooms: HandRooms): CommandHands {
  const { locks, line, outbox, outboxMemory } = rooms;
  const { units, processes, clock } = host;
  const releasing = new Set<string>();
  const ports = {
    configs: Object.keys(settings.configs),
    republish: outbox.republish,
    lockWasSaid: (name: string) => outboxMemory.lastLock(name) !== null,
    look: locks.look,
    sayLocks: (found: readonly { readonly config: string; readonly body: object }[]) =>
      rooms.say(found.map((lock) => ({ kind: 'lock', ...lock }))),
    sayOnline: () => rooms.session()?.sayOnline(),
    acknowledged: outbox.acknowledged,
    unconfirmed: (missing: string | null) => rooms.session()?.unconfirmed(missing),
  };
  const notSafe = (name: string) => async () => {
    const config = settings.configs[name];
    const isAsked = config !== undefined && isGated(config, null, settings.vehicle !== undefined);
    return isAsked ? sayAgainst(rooms.vehicle.state()) : null;
  };
  return {
    isReleasing: (config) => releasing.has(config),
    hands: {
      async release(config, wish) {
        releasing.add(config);
        const writers = settings.configs[config]?.writers ?? [];
        try {
          const scene = { lock: locks.lock(config), writers, units, processes, clock, notSafe: notSafe(config) };
          return await releaseBound(scene, wish);
        } finally {
          releasing.delete(config);
          line.wake(config);
        }
      },
      refresh: (config, seq) => refresh(ports, config, seq),
      confirm: line.confirm,
      rollBack: line.rollBack,
    },
  };
}
