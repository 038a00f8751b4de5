import type { Files, WatchDir } from '../ports/files.ts';
import type { Inode, KernelLocks } from '../ports/kernel.ts';
import type { Log } from '../ports/log.ts';
import type { Processes, ProcessInfo } from '../ports/processes.ts';
import type { Begin, Clock } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import { openGlance } from './glance.ts';
import { type Guard, openGuard } from './guard.ts';
import { type GuardedFile, type Hands, openHands } from './hands.ts';
import type { LockRecord } from './record.ts';
import { readRecord, readWord } from './settle.ts';
import { openSurface, type Surface } from './surface.ts';
import { openTokens, type Tokens } from './token.ts';

/** Where the files of one lock are. */
export interface LockPaths {
  /** `<run>/locks/NAME`: 0755, so that nobody but the agent can replace a file in it. */
  readonly dir: string;
  readonly guard: string;
  readonly sidecar: string;
  readonly record: string;
  /** The control surface: plain files to `cat`. */
  readonly bit: string;
  readonly state: string;
  readonly verdict: string;
  readonly holder: string;
  readonly since: string;
  readonly token: string;
  readonly refusals: string;
  /** Token of the last reclaim the agent has told the fleet of. */
  readonly told: string;
  /** `<state>/locks/NAME.token`: no token above it was ever given. */
  readonly ceiling: string;
}

/** The files of the lock of a config, below the run and the state directory. */
export function lockPaths(runDir: string, stateDir: string, config: string): LockPaths {
  const dir = `${runDir}/locks/${config}`;
  return {
    dir,
    guard: `${dir}/guard`,
    sidecar: `${dir}/lock`,
    record: `${dir}/record.json`,
    bit: `${dir}/conf_locked`,
    state: `${dir}/state`,
    verdict: `${dir}/verdict`,
    holder: `${dir}/holder`,
    since: `${dir}/since`,
    token: `${dir}/token`,
    refusals: `${dir}/refusals`,
    told: `${dir}/told`,
    ceiling: `${stateDir}/locks/${config}.token`,
  };
}

/** What the lock room gets from the world. */
export interface LockPorts {
  readonly files: Files;
  readonly kernel: KernelLocks;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: requests on the control surface are noticed by the scheduled look only. */
  readonly watchDir?: WatchDir | undefined;
  /** Absent: nobody watches whether the locks are still looked after. */
  readonly begin?: Begin | undefined;
}

/** The part of the settings that locks need. */
export interface LockSettings {
  readonly paths: { readonly state: string; readonly run: string };
  readonly locks: { readonly group?: string | undefined; readonly honour: readonly string[] };
  readonly configs: Readonly<Record<string, { readonly files: readonly GuardedFile[] }>>;
}

/** What a look sees of the files of a lock. They throw Failure. */
export interface Glances {
  /** What is replaced whole when it changes. */
  directory(): {
    readonly record: LockRecord | 'unreadable' | null;
    readonly sidecar: Inode | null;
    readonly guard: Inode | null;
  };
  /** What people write into. */
  bit(): string | null;
}

/** Everything that belongs to the lock of one config. */
export interface Parts extends LockPorts {
  readonly config: string;
  /** Base name of the file people know the config by. */
  readonly fileName: string;
  readonly guarded: readonly GuardedFile[];
  readonly honour: readonly string[];
  readonly group: string | undefined;
  readonly self: ProcessInfo;
  readonly paths: LockPaths;
  readonly guard: Guard;
  readonly hands: Hands;
  readonly tokens: Tokens;
  readonly surface: Surface;
  readonly glances: Glances;
}

/** Puts the parts together; nothing is opened yet. */
export function openParts(ports: LockPorts, settings: LockSettings, config: string): Parts {
  const { files, kernel, clock, log } = ports;
  const guarded = settings.configs[config]?.files ?? [];
  const { group, honour } = settings.locks;
  const paths = lockPaths(settings.paths.run, settings.paths.state, config);
  // Made before each opening, for somebody may have cleared the run directory.
  const makeDirs = () => {
    try {
      files.makeDir('lock.open', paths.dir, 0o755);
      files.makeDir('lock.ceiling', paths.ceiling.slice(0, paths.ceiling.lastIndexOf('/')), 0o755);
    } catch (error) {
      // Who may not make them may still use what is there; what is missing is said when it is opened.
      if (!(error instanceof Failure) || error.code !== 'no-permission') throw error;
    }
  };
  return {
    ...ports,
    ...{ config, guarded, honour, group, paths, self: ports.processes.self() },
    fileName: guarded[0]?.path.split('/').at(-1) ?? config,
    guard: openGuard(kernel, clock, paths.guard, group, makeDirs),
    hands: openHands(kernel, paths.sidecar, group, guarded),
    tokens: openTokens(files, paths.ceiling),
    surface: openSurface(files, paths, log),
    glances: {
      directory: openGlance(ports, 'lock.inode', paths.dir, () => ({
        record: readRecord(files, paths.record),
        sidecar: kernel.inode('lock.inode', paths.sidecar),
        guard: kernel.inode('lock.inode', paths.guard),
      })),
      bit: openGlance(ports, 'lock.view', paths.bit, () => readWord(files, paths.bit)),
    },
  };
}

/** Resolves after `ms`. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
