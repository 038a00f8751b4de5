import { NAME } from '../values/units.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';
import { misuse } from './fleet-options.ts';
import { goBack } from './go-back.ts';
import { REMOTE_HELP, REMOTE_OPTIONS, sendRemote } from './remote-command.ts';
import { boundVerdict } from './verdict.ts';

const OPTIONS = {
  ...REMOTE_OPTIONS,
  settings: { type: 'string', default: SETTINGS_PATH },
  yes: { type: 'boolean', default: false },
  undo: { type: 'boolean', default: false },
  update: { type: 'string' },
  reason: { type: 'string' },
} as const;

/** `locksmith rollback`: goes back here, or has a device far away take an update back. */
export const command: Command = {
  help: `Usage: locksmith rollback NAME [--yes --reason R] [--undo] [--settings FILE] [--json]
       locksmith rollback NAME --device ID --reason R [--update ID] [options]

Goes back to the content of config NAME that ran before and was good, with the daemon running or dead. Without --yes it only says what
it would do. It is done under the lock and with a safe vehicle; until then it waits, and is done by itself. The config is then pinned:
what the fleet has sent so far counts no more, until it sends something newer, which takes over.
  --yes --reason R   carry it out; the reason goes into the device's story and to the fleet
  --undo             take the pin away: what the fleet has sent counts again

With --device a device far away takes back the update that runs there, or is about to be confirmed: what stands behind it comes back, as
soon as lock and vehicle let it. The same update is not applied there again; a higher version is.
  --update ID           the id of the update (default: the one the device reports to wait or to have applied last)
${REMOTE_HELP}

Exit code: 0 planned or done, 1 failed or no answer, 3 it waits or is refused, 4 there is nothing to go back to.

Examples: locksmith rollback aim_lock_config --yes --reason "the gimbal oscillates"
          locksmith rollback aim_lock_config --device drone-7 --reason "aims too low" --key ops.key.json --broker mqtts://broker:8883`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs('rollback', argv, OPTIONS, { min: 1, max: 1, names: 'one NAME' });
    const [config = ''] = positionals;
    if (values.device === undefined) return goBack(config, values, terminal);
    if (!NAME.test(config)) throw misuse('rollback', `expected a config, found '${config}'`);
    const { update = null, reason } = values;
    if (reason === undefined) throw misuse('rollback', 'why? give --reason TEXT');
    const wish = { cmd: 'rollback', config, update, reason } as const;
    return sendRemote('rollback', (link, at) => boundVerdict(link, at, wish), values, terminal);
  },
};
