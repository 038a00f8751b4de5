import { collectGarbage, isWorthSaying, sayGarbage } from '../lock/gc.ts';
import type { LockRoom } from '../lock/room.ts';
import type { OpenView } from '../ports/files.ts';
import type { Cancel } from '../ports/world.ts';
import { createBeat } from '../telemetry/beat.ts';
import type { Standing } from '../telemetry/standing.ts';
import { type Stall, sayStall, type Watchdog } from '../telemetry/watchdog.ts';
import type { ClockFloor } from '../trust/clock-floor.ts';
import type { EventBody } from '../values/report.ts';
import { messageOf } from '../values/thrown.ts';
import type { Host } from './host.ts';

/** A clock tick is noted this often: a crash costs at most so much of what is known about time. */
const TICK_MS = 60_000;
/** How long an agent that leaves waits for the broker to take its last words. */
export const LAST_WORDS_MS = 2_000;

/** What the agent's care for itself works with. */
export interface CareRooms {
  readonly watchdog: Watchdog;
  readonly locks: LockRoom;
  /** Null: nobody supervises this process. */
  readonly standing: Standing | null;
  /** Directories that only Locksmith writes into. */
  readonly ownDirs: readonly string[];
  /** Path of the beat file. */
  readonly beatPath: string;
  say(event: EventBody): Promise<void>;
  /** Looks after a promise that nobody waits for. */
  later(promise: Promise<unknown>): void;
  /** Removes kept contents that no generation has any more. */
  sweep(): void;
  /** Looks for files that were edited by hand. */
  inspect(): void;
  readonly floor: Pick<ClockFloor, 'tick' | 'trust'>;
  /** The clock is trusted now, or is no more. */
  clockTurned(): void;
  /** Resolves when the broker has all, or the time is over. */
  lastWords(): Promise<unknown>;
}

/** What the agent does for its own health. */
export interface Care {
  /** Watches that locks and line move, and beats while they do; one that stands still is said, and the process ends. */
  watchOver(): Cancel;
  /** Settles all locks, removes leftovers and contents that are over, looks for edits by hand, now and then; one round at a time. */
  collect(): void;
  /** Notes the time in the journal, now and then. */
  keepTime(): Cancel;
}

/** Makes it. */
export function openCare(host: Host, rooms: CareRooms): Care {
  const { clock, files, log, journal } = host;
  const collecting = { now: false };

  /** Something does not move any more: said while that is possible, then this process ends, for it cannot mend itself. */
  const giveUp = (stall: Stall) => {
    const reason = sayStall(stall);
    const over = { is: false };
    const end = () => {
      if (!over.is) host.onFatal(reason);
      over.is = true;
    };
    clock.after(LAST_WORDS_MS, end);
    rooms
      .say({ event: 'alarm', reason })
      .then(rooms.lastWords)
      .catch((error: unknown) => log.say('error', `${reason} (not reported: ${error})`))
      .finally(end);
  };

  return {
    watchOver() {
      const { watchdog, beatPath: path } = rooms;
      const whole: OpenView = (op, view, mode) => (text) => files.writeView(op, view, text, mode);
      const { openView = whole } = host;
      const beat = createBeat({ clock, openView, log, path, self: host.processes.self() });
      beat();
      return watchdog.start(giveUp, () => {
        beat();
        rooms.standing?.alive();
      });
    },
    collect() {
      if (collecting.now) return;
      collecting.now = true;
      const collected = collectGarbage(rooms.locks, files, rooms.ownDirs).finally(() => {
        collecting.now = false;
      });
      const swept = collected.then((found) => {
        log.say(isWorthSaying(found) ? 'notice' : 'debug', sayGarbage(found));
        rooms.sweep();
        rooms.inspect();
      });
      rooms.later(swept);
    },
    keepTime() {
      const { floor } = rooms;
      const next = { cancel: () => {}, trust: floor.trust() };
      const tick = () => {
        next.cancel = clock.after(TICK_MS, tick, 'about');
        const trust = floor.trust();
        if (trust !== next.trust) rooms.clockTurned();
        next.trust = trust;
        try {
          journal.note([floor.tick()]);
        } catch (error) {
          log.say('warning', `cannot note the time: ${messageOf(error)}`);
        }
      };
      next.cancel = clock.after(TICK_MS, tick, 'about');
      return () => next.cancel();
    },
  };
}
