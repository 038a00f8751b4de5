import type { Grant, Held, LockDoor } from '../ports/lock.ts';
import type { Cancel } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import type { Change } from './board.ts';
import { toHolder } from './finder.ts';
import { type Lock, openLock } from './lock.ts';
import { type LockPorts, type LockSettings, lockPaths } from './parts.ts';

/** Longest time between two scheduled looks. */
const LOOK_EVERY_MS = 5000;
/** Shortest: with up to a sixth more, so that it goes with something else, it is the longest. */
const LOOK_SOONEST_MS = LOOK_EVERY_MS * (6 / 7);
/** Time between two tries while an update waits. Effect: COLD to applied within 2 s. */
const TRY_EVERY_MS = 1000;

/** How long a round over all locks may take. Reason: settling takes milliseconds, and an fsync of a worn card some seconds. */
const ROUND_MAX_MS = 60_000;

/** Hears what is new about a lock. Called after the fact, never while the guard is ours; must not throw. */
export type LockListener = (config: string, change: Change) => void;

/** How many locks there are, how many of them were found HOT, and how many could not be settled. */
export interface Settled {
  readonly locks: number;
  readonly hot: number;
  readonly failed: number;
}

/** All locks of the device. */
export interface LockRoom extends LockDoor {
  /** The lock of one config; a config that is not in the settings is our own bug. */
  lock(config: string): Lock;
  /** Settles every lock, with all patience: at boot and to collect garbage. A lock that cannot be settled is said in the log. */
  settleAll(): Promise<Settled>;
  /** How every lock was last found, by config. */
  states(): Readonly<Record<string, LockState>>;
  onChange(listener: LockListener): Cancel;
  /** Looks at every lock every 5 s, and at once when somebody writes to its control surface. */
  watch(): Cancel;
  close(): void;
}

/** Opens the locks of all configs in the settings. Touches nothing yet. */
export function openLocks(ports: LockPorts, settings: LockSettings): LockRoom {
  const { clock, log, begin = () => () => {} } = ports;
  const self = toHolder(ports.processes.self());
  const listeners = new Set<LockListener>();
  const locks = new Map<string, Lock>();
  const turns = new Map<string, Promise<unknown>>();
  const waiting = new Map<string, { waiters: number; cancel: Cancel }>();
  const complaints = new Map<string, string>();

  for (const config of Object.keys(settings.configs)) {
    const tell = (change: Change) => {
      for (const listener of [...listeners]) listener(config, change);
      return listeners.size > 0;
    };
    locks.set(config, openLock(ports, settings, config, tell));
  }

  const lock = (config: string): Lock => {
    const found = locks.get(config);
    if (found === undefined) throw new Error(`there is no lock for config ${config}`);
    return found;
  };

  /** Runs a step of the schedule; what fails is said once, until it works again. False if it failed. */
  const attempt = async (config: string, step: () => unknown): Promise<boolean> => {
    try {
      await step();
      complaints.delete(config);
      return true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (complaints.get(config) !== error.message) log.say('error', `lock of ${config}: ${error.message}`);
      complaints.set(config, error.message);
      return false;
    }
  };

  const holdInTurn = async <T>(config: string, section: (grant: Grant) => Promise<T>): Promise<Held<T>> => {
    const acquired = await lock(config).acquire({
      ...{ kind: 'kernel', purpose: 'commit', holder: self },
      ...{ reason: 'an update is being applied', forMs: null },
    });
    if (acquired.kind === 'hot') return acquired;
    try {
      return { kind: 'done', value: await section(acquired.held) };
    } finally {
      await acquired.held.release();
    }
  };

  return {
    lock,
    look: (config) => lock(config).look(),
    reach: (config) => lock(config).look('reach'),
    refused: (config) => lock(config).refused(),

    hold(config, section) {
      const turn = (turns.get(config) ?? Promise.resolve()).then(() => holdInTurn(config, section));
      turns.set(
        config,
        turn.catch(() => {}),
      );
      return turn;
    },

    expectCold(config) {
      const entry = waiting.get(config) ?? { waiters: 0, cancel: () => {} };
      waiting.set(config, entry);
      entry.waiters += 1;
      const tick = () => {
        entry.cancel = clock.after(TRY_EVERY_MS, () => {
          attempt(config, () => lock(config).look()).finally(() => {
            if (entry.waiters > 0 && lock(config).last()?.state !== 'COLD') tick();
            else if (waiting.get(config) === entry) waiting.delete(config);
          });
        });
      };
      if (entry.waiters === 1) tick();
      const state = { cancelled: false };
      return () => {
        if (state.cancelled) return;
        state.cancelled = true;
        entry.waiters -= 1;
        if (entry.waiters === 0) {
          entry.cancel();
          waiting.delete(config);
        }
      };
    },

    async settleAll() {
      const over = begin('settling the locks', ROUND_MAX_MS);
      let [hot, failed] = [0, 0];
      for (const [config, one] of locks) {
        const settled = await attempt(config, async () => {
          if ((await one.settle()).state === 'HOT') hot += 1;
          await one.topUp();
        });
        if (!settled) failed += 1;
      }
      over();
      return { locks: locks.size, hot, failed };
    },

    states() {
      const shown: Record<string, LockState> = {};
      for (const [config, one] of locks) {
        const last = one.last();
        if (last !== null) shown[config] = last;
      }
      return shown;
    },

    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    watch() {
      const state: { cancel: Cancel; stopped: boolean } = { cancel: () => {}, stopped: false };
      const round = async () => {
        for (const [config, one] of locks) {
          await attempt(config, async () => {
            one.look();
            await one.topUp();
          });
        }
      };
      /** Nearly every round: told apart without a promise, for the agent idles in it. */
      const isQuiet = () => {
        try {
          for (const [config, one] of locks) if (complaints.has(config) || !one.quiet()) return false;
          return true;
        } catch (error) {
          // Said by the round that follows.
          if (error instanceof Failure) return false;
          throw error;
        }
      };
      const tick = () => {
        if (state.stopped) return;
        const over = begin('the next look at the locks', LOOK_EVERY_MS + ROUND_MAX_MS);
        const look = () => {
          if (!isQuiet()) return void round().finally(over).finally(tick);
          over();
          tick();
        };
        const cancel = clock.after(LOOK_SOONEST_MS, look, 'about');
        state.cancel = () => {
          cancel();
          over();
        };
      };
      tick();
      const unwatch = [...locks].map(([config, one]) => {
        const { dir, bit } = lockPaths(settings.paths.run, settings.paths.state, config);
        const name = bit.slice(dir.length + 1);
        return ports.watchDir?.(dir, (changed) => {
          if (changed === name && !state.stopped) void attempt(config, () => one.touched());
        });
      });
      return () => {
        state.stopped = true;
        state.cancel();
        for (const cancel of unwatch) cancel?.();
      };
    },

    close() {
      for (const entry of waiting.values()) entry.cancel();
      for (const one of locks.values()) one.close();
    },
  };
}
