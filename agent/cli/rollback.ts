import { NAME } from '../values/units.ts';
import { type Command, readArgs } from './command.ts';
import { misuse } from './fleet-options.ts';
import { REMOTE_HELP, REMOTE_OPTIONS, sendRemote } from './remote-command.ts';
import { boundVerdict } from './verdict.ts';

const OPTIONS = { ...REMOTE_OPTIONS, update: { type: 'string' }, reason: { type: 'string' } } as const;

/** `locksmith rollback`: has a device take an update back. */
export const command: Command = {
  help: `Usage: locksmith rollback CONFIG --device ID --reason TEXT [options]

Has a device take back the update that runs there, or is about to be confirmed: what stands behind it comes back, as soon as lock
and vehicle let it. The same update is not applied there again; a higher version is.

  --reason TEXT         why, for the log of the device
  --update ID           the id of the update (default: the one the device reports to wait or to have applied last)
${REMOTE_HELP}

Exit codes: 0 done, 1 no answer, offline or no broker, 2 wrong usage, 3 refused, 4 nothing to take back.

Example:
  locksmith rollback aim_lock_config --device drone-7 --reason 'aims too low' --key ops.key.json --broker mqtts://broker:8883
`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs('rollback', argv, OPTIONS, { min: 1, max: 1, names: 'CONFIG' });
    const [config = ''] = positionals;
    if (!NAME.test(config)) throw misuse('rollback', `expected a config, found '${config}'`);
    const { update = null, reason } = values;
    if (reason === undefined) throw misuse('rollback', 'why? give --reason TEXT');
    const wish = { cmd: 'rollback', config, update, reason } as const;
    return sendRemote('rollback', (link, at) => boundVerdict(link, at, wish), values, terminal);
  },
};
