import { NAME } from '../values/units.ts';
import { type Command, readArgs } from './command.ts';
import { misuse } from './fleet-options.ts';
import { REMOTE_HELP, REMOTE_OPTIONS, sendRemote } from './remote-command.ts';
import { boundVerdict } from './verdict.ts';

const OPTIONS = { ...REMOTE_OPTIONS, update: { type: 'string' }, reason: { type: 'string' } } as const;

/** `locksmith confirm`: the fleet's word that an update is good, where `confirm: {by: fleet}` asks for it. */
export const command: Command = {
  help: `Usage: locksmith confirm CONFIG --device ID [options]

Tells a device that the update it has put in place is good, where it waits for the fleet to say so. Without it the device takes the update back by itself.

  --update ID           the id of the update (default: the one the device reports to wait)
  --reason TEXT         words for the log of the device
${REMOTE_HELP}

Exit codes: 0 done, 1 no answer, offline or no broker, 2 wrong usage, 3 refused, 4 nothing waits.

Example:
  locksmith confirm aim_lock_config --device drone-7 --key ops.key.json --broker mqtts://broker:8883
`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs('confirm', argv, OPTIONS, { min: 1, max: 1, names: 'CONFIG' });
    const [config = ''] = positionals;
    if (!NAME.test(config)) throw misuse('confirm', `expected a config, found '${config}'`);
    const { update = null, reason = null } = values;
    const wish = { cmd: 'confirm', config, update, reason } as const;
    return sendRemote('confirm', (link, at) => boundVerdict(link, at, wish), values, terminal);
  },
};
