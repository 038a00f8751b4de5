import { userInfo } from 'node:os';
import { sha256 } from '../host/chance.ts';
import { hostClock } from '../host/clock.ts';
import { hostFiles } from '../host/files.ts';
import { replayJournal } from '../host/journal.ts';
import { hostProcesses } from '../host/processes.ts';
import { hostUnits } from '../host/units.ts';
import { createOutboxMemory } from '../link/outbox-memory.ts';
import { carryOut, holderDenial, planRelease, releaseRefusal } from '../lock/release.ts';
import type { Settings } from '../settings-schema.ts';
import { EXIT, Failure, SaidError } from '../values/errors.ts';
import { sayLock } from '../values/lock-words.ts';
import { sayPending } from '../values/pending.ts';
import { NAME } from '../values/units.ts';
import { type Command, lineFor, readArgs, SETTINGS_PATH, type Terminal } from './command.ts';
import { misuse } from './fleet-options.ts';
import { knownConfig, openLockDesk } from './lock-room.ts';
import { boundRelease, REMOTE_HELP, REMOTE_OPTIONS, sendRemote } from './remote-command.ts';
import { openVehicleAsk } from './vehicle-door.ts';

const OPTIONS = {
  ...REMOTE_OPTIONS,
  token: { type: 'string' },
  settings: { type: 'string', default: SETTINGS_PATH },
  yes: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  reason: { type: 'string' },
  'end-holder': { type: 'boolean', default: false },
  break: { type: 'boolean', default: false },
  'despite-vehicle': { type: 'boolean', default: false },
} as const;

/** `locksmith release`. */
export const command: Command = {
  help: `Usage: locksmith release NAME [--yes --reason R] [--end-holder] [--break] [--despite-vehicle] [--settings FILE]
       locksmith release NAME --device ID --reason R [--token N] [--end-holder] [options]

Makes the lock of config NAME COLD, safely. Without --yes it only says what it would do. It proves that nobody has the lock by taking it,
clears the record, raises the token, and takes and gives back the lock once. It takes nothing from a live holder. The config's
writers are stopped before, and those that ran are started again however it ends. Where the settings name a vehicle it has to be safe;
without the daemon it is listened to for ten seconds at most.
  --yes --reason R   carry it out; the reason goes into the device's story and to the fleet
  --end-holder       also end the process that an orphaned lock was left to
  --break            last resort for a lock whose holder no process shows: root only
  --despite-vehicle  also while the vehicle is not safe, where the settings name one; the reason tells why

With --device it is done by a device far away, at once, for the token it last reported and the holder it named: refused if either
has changed since. It is never broken from far away.
  --token N             the token that is meant, instead of the one the broker keeps
${REMOTE_HELP}

Exit code: 0 planned or done, 1 no answer, 3 refused, 4 the lock is COLD already.

Example: locksmith release aim_lock_config --yes --reason "left over from the night shift"`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs('release', argv, OPTIONS, { min: 1, max: 1, names: 'one NAME' });
    const name = positionals[0] ?? '';
    if (values.device !== undefined) return far(name, values, terminal);
    if (values.yes && values['dry-run'])
      throw new SaidError(EXIT.usage, 'release: --yes and --dry-run', 'locksmith release --help');
    const why = values.reason?.trim() ?? '';
    const flags = `${values['end-holder'] ? ' --end-holder' : ''}${values.break ? ' --break' : ''}`;
    const inEarnest = `locksmith release ${name}${flags} --yes --reason "…"`;
    if (values.yes && why === '') throw new SaidError(EXIT.usage, 'release: --yes needs --reason', inEarnest);
    if (values.break && process.getuid?.() !== 0)
      throw new SaidError(EXIT.refused, 'release: --break is for root', 'sudo locksmith release …');
    const wish = { by: userInfo().username, why, endHolder: values['end-holder'], breakIt: values.break };
    const desk = openLockDesk(values.settings, terminal);
    const vehicle = openVehicleAsk(desk.settings, terminal);
    try {
      const config = knownConfig('release', desk.settings, values.settings, name);
      const lock = desk.room.lock(config);
      const notSafe = async () => (values['despite-vehicle'] ? null : vehicle.whyNotSafe(config));
      const writers = desk.settings.configs[config]?.writers ?? [];
      const { lock: found } = await lock.observe();
      if (found.state === 'COLD') {
        terminal.err(`${found.file} is COLD already, token ${found.token}\n`);
        return EXIT.nothing;
      }
      const remedy = `locksmith locks ${name}`;
      if (!values.yes) {
        const nowMs = Date.now();
        terminal.out(`${lineFor(terminal, `${found.file} HOT (${sayLock(found, nowMs)})`)}\n`);
        const refusal =
          releaseRefusal(found, wish, nowMs) ?? holderDenial(hostProcesses(), found, wish, nowMs) ?? (await notSafe());
        if (refusal !== null) terminal.out(`${lineFor(terminal, `It would be refused: ${refusal}`)}\n`);
        else
          for (const [index, step] of planRelease(found, wish, writers, waiting(desk.settings, config)).entries())
            terminal.out(`${lineFor(terminal, `${index + 1}. ${step}`)}\n`);
        terminal.err(`Nothing was done. ${refusal === null ? `To carry it out: ${inEarnest}` : `Try: ${remedy}`}\n`);
        return EXIT.done;
      }
      const scene = { lock, writers, units: hostUnits(), processes: hostProcesses(), clock: hostClock(), notSafe };
      const release = await uninterrupted(terminal, () => carryOut(scene, wish));
      for (const step of release.steps) terminal.out(`${lineFor(terminal, step)}\n`);
      if (release.kind === 'cold') return EXIT.nothing;
      if (release.kind === 'unsafe') {
        const anyway = `land and disarm; or, if it must be now, add --despite-vehicle`;
        throw new SaidError(EXIT.refused, `release: ${release.why} (not-safe)`, anyway);
      }
      if (release.kind === 'denied')
        throw new SaidError(EXIT.refused, `release: ${release.why} (end-not-allowed)`, 'the same as root');
      if (release.kind === 'refused') throw new SaidError(EXIT.refused, `release: ${release.why}`, remedy);
      terminal.out(`${release.lock.file} is COLD, token ${release.lock.token}\n`);
      return EXIT.done;
    } finally {
      vehicle.close();
      desk.close();
    }
  },
};

/** The update that waits, as the device last reported it; null where none does or it cannot be seen. */
function waiting({ paths }: Settings, config: string): string | null {
  const memory = createOutboxMemory();
  try {
    replayJournal(hostFiles(), sha256, `${paths.state}/journal`, [memory]);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return null;
  }
  const reported = memory.lastReported(config);
  return reported === null ? null : sayPending(reported);
}

/** Does something to its end whatever the person presses: services that were stopped must not stay so. */
async function uninterrupted<T>(terminal: Terminal, work: () => Promise<T>): Promise<T> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const wait = () => terminal.err('Ends as soon as every service that was stopped is started again.\n');
  for (const signal of signals) process.on(signal, wait);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.off(signal, wait);
  }
}

async function far(config: string, values: FarValues, terminal: Terminal): Promise<number> {
  const reason = values.reason?.trim() ?? '';
  if (reason === '') throw misuse('release', 'why? give --reason R');
  if (values['despite-vehicle'] === true) throw misuse('release', '--despite-vehicle is for whoever stands next to it');
  if (values.break === true) throw misuse('release', '--break is for whoever stands next to the device');
  if (!NAME.test(config)) throw misuse('release', `expected a config, found '${config}'`);
  if (values.token !== undefined && !/^\d{1,15}$/.test(values.token)) {
    throw misuse('release', `--token: expected a whole number, found '${values.token}'`);
  }
  const token = values.token === undefined ? null : Number(values.token);
  const wish = { config, token, endHolder: values['end-holder'] === true, reason };
  return sendRemote('release', (link, at) => boundRelease(link, at, wish), values, terminal);
}

type FarValues = Parameters<typeof sendRemote>[2] & {
  readonly reason?: string | undefined;
  readonly token?: string | undefined;
  readonly break?: boolean | undefined;
  readonly 'despite-vehicle'?: boolean | undefined;
  readonly 'end-holder'?: boolean | undefined;
};
