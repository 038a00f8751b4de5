import { userInfo } from 'node:os';
import { hostClock } from '../host/clock.ts';
import { hostProcesses } from '../host/processes.ts';
import { hostUnits } from '../host/units.ts';
import { carryOut, planRelease, releaseRefusal } from '../lock/release.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { sayLock } from '../values/lock-words.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';
import { knownConfig, openLockDesk } from './lock-room.ts';

const OPTIONS = {
  settings: { type: 'string', default: SETTINGS_PATH },
  yes: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  reason: { type: 'string' },
  'end-holder': { type: 'boolean', default: false },
  break: { type: 'boolean', default: false },
} as const;

/** `locksmith release`. */
export const command: Command = {
  help: `locksmith release NAME [--yes --reason R] [--end-holder] [--break] [--settings FILE]

Makes the lock of config NAME COLD, safely. Without --yes it only says what it would do. It proves that nobody has the lock by taking it,
clears the record, raises the token, and takes and gives back the lock once. It takes nothing from a live holder.
  --yes --reason R   carry it out; the reason goes into the device's story and to the fleet
  --end-holder       also end the process that an orphaned lock was left to
  --break            last resort for a lock whose holder no process shows: root only
Exit code: 0 planned or done, 3 refused, 4 the lock is COLD already.

Example: locksmith release aim_lock_config --yes --reason "left over from the night shift"`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs('release', argv, OPTIONS, { min: 1, max: 1, names: 'one NAME' });
    const name = positionals[0] ?? '';
    if (values.yes && values['dry-run'])
      throw new SaidError(EXIT.usage, 'release: --yes and --dry-run', 'locksmith release --help');
    const why = values.reason?.trim() ?? '';
    if (values.yes && why === '') {
      throw new SaidError(EXIT.usage, 'release: --yes needs --reason', `locksmith release ${name} --yes --reason "…"`);
    }
    if (values.break && process.getuid?.() !== 0)
      throw new SaidError(EXIT.refused, 'release: --break is for root', 'sudo locksmith release …');
    const wish = { by: userInfo().username, why, endHolder: values['end-holder'], breakIt: values.break };
    const desk = openLockDesk(values.settings, terminal);
    try {
      const lock = desk.room.lock(knownConfig('release', desk.settings, values.settings, name));
      const writers: readonly string[] = [];
      const { lock: found } = await lock.observe();
      if (found.state === 'COLD') {
        terminal.err(`${found.file} is COLD already, token ${found.token}\n`);
        return EXIT.nothing;
      }
      const remedy = `locksmith locks ${name}`;
      if (!values.yes) {
        const nowMs = Date.now();
        terminal.out(`${found.file} HOT (${sayLock(found, nowMs)})\n`);
        const refusal = releaseRefusal(found, wish, nowMs);
        if (refusal !== null) terminal.out(`It would be refused: ${refusal}\n`);
        else
          for (const [index, step] of planRelease(found, wish, writers).entries())
            terminal.out(`${index + 1}. ${step}\n`);
        terminal.err(`Nothing was done. To carry it out: locksmith release ${name} --yes --reason "…"\n`);
        return EXIT.done;
      }
      const scene = { lock, writers, units: hostUnits(), processes: hostProcesses(), clock: hostClock() };
      const release = await carryOut(scene, wish);
      for (const step of release.steps) terminal.out(`${step}\n`);
      if (release.kind === 'cold') return EXIT.nothing;
      if (release.kind === 'refused') throw new SaidError(EXIT.refused, `release: ${release.why}`, remedy);
      terminal.out(`${release.lock.file} is COLD, token ${release.lock.token}\n`);
      return EXIT.done;
    } finally {
      desk.close();
    }
  },
};
