import { readSettings } from '../settings.ts';
import { EXIT } from '../values/errors.ts';
import { type Command, readArgs, readingWidth, SETTINGS_PATH } from './command.ts';
import { readStatus } from './status-read.ts';
import { sayStatus } from './status-words.ts';

/** `locksmith status`. */
export const command: Command = {
  help: `Usage: locksmith status [--settings FILE] [--json]

Agent, link, configs and locks at a glance, on one screen, with what to do. Reads the device's own files, so it works with the
daemon dead and without a network, and says since when: by the last beat of a daemon that is dead, or frozen. Times are UTC.
Exit code: 0.

Example:
  locksmith status
`,
  async run(argv, terminal) {
    const { values } = readArgs(
      'status',
      argv,
      { settings: { type: 'string', default: SETTINGS_PATH }, json: { type: 'boolean', default: false } },
      { min: 0, max: 0, names: '' },
    );
    const settings = readSettings(values.settings);
    const status = await readStatus(settings);
    const setting = { width: readingWidth(terminal), colour: terminal.colour };
    if (values.json) terminal.out(`${JSON.stringify(status)}\n`);
    else terminal.out(sayStatus(status, Object.keys(settings.configs), setting));
    return EXIT.done;
  },
};
