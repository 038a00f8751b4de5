import type { CommandBody } from '../fleet/command.ts';
import { NAME } from '../values/units.ts';
import { type Command, readArgs } from './command.ts';
import { misuse, readCount } from './fleet-options.ts';
import { REMOTE_HELP, REMOTE_OPTIONS, sendRemote } from './remote-command.ts';

const OPTIONS = { ...REMOTE_OPTIONS, seq: { type: 'string' } } as const;

/** `locksmith refresh`: has a device say again what it reports. */
export const command: Command = {
  help: `Usage: locksmith refresh [CONFIG] --device ID [options]

Has a device publish its retained reports, locks and status once more; of one config, or of all.

  --seq N               the last number of this device you have seen: if it is behind, the device says so as its link state
${REMOTE_HELP}

Exit codes: 0 done, 1 no answer, offline or no broker, 2 wrong usage, 3 refused.

Example:
  locksmith refresh --device drone-7 --key ops.key.json --broker mqtts://broker:8883
`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs('refresh', argv, OPTIONS, { min: 0, max: 1, names: 'CONFIG, or nothing' });
    const [config] = positionals;
    if (config !== undefined && !NAME.test(config)) throw misuse('refresh', `expected a config, found '${config}'`);
    const body: CommandBody = {
      cmd: 'refresh',
      ...(config === undefined ? {} : { config }),
      ...(values.seq === undefined ? {} : { seq: readCount('refresh', 'seq', values.seq) }),
    };
    return sendRemote('refresh', async () => body, values, terminal);
  },
};
