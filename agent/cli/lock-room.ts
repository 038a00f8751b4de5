import { hostClock } from '../host/clock.ts';
import { hostFiles } from '../host/files.ts';
import { toOwnerOfDirectory } from '../host/heir.ts';
import { hostKernelLocks } from '../host/libc.ts';
import { hostProcesses } from '../host/processes.ts';
import { type LockRoom, openLocks } from '../lock/room.ts';
import { readSettings } from '../settings.ts';
import type { Settings } from '../settings-schema.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import type { Terminal } from './command.ts';

/** The lock room of this machine, for a command that works without the daemon. */
export interface LockDesk {
  readonly settings: Settings;
  readonly room: LockRoom;
  /** Ends what was opened. */
  close(): void;
}

/** Opens the lock room after the settings; its words of notice and above go to the terminal. Throws {@link SaidError} (exit 2). */
export function openLockDesk(settingsPath: string, terminal: Terminal): LockDesk {
  const settings = readSettings(settingsPath);
  const log = {
    say(level: string, line: string) {
      if (level === 'error' || level === 'warning' || level === 'notice') terminal.err(`${line}\n`);
    },
  };
  const bequeath = toOwnerOfDirectory;
  const files = hostFiles(undefined, undefined, bequeath);
  const ports = { files, kernel: hostKernelLocks({ bequeath }), processes: hostProcesses(), clock: hostClock(), log };
  const room = openLocks(ports, settings);
  // The clock's timers alone do not keep a process alive.
  const alive = setInterval(() => {}, 2 ** 30);
  return {
    settings,
    room,
    close() {
      clearInterval(alive);
      room.close();
    },
  };
}

/** The config a person named; a name that is not in the settings is {@link SaidError} (exit 4). */
export function knownConfig(command: string, settings: Settings, settingsPath: string, name: string): string {
  if (Object.hasOwn(settings.configs, name)) return name;
  const known = Object.keys(settings.configs).join(', ');
  throw new SaidError(
    EXIT.nothing,
    `${command}: there is no config '${name}' in ${settingsPath}`,
    `locksmith ${command} with one of: ${known}`,
  );
}
