import { sha256 } from '../host/chance.ts';
import { hostFiles } from '../host/files.ts';
import { replayJournal } from '../host/journal.ts';
import { createOutboxMemory } from '../link/outbox-memory.ts';
import { readSettings } from '../settings.ts';
import { tellEvent } from '../update/story.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';

/** `locksmith history`. */
export const command: Command = {
  help: `Usage: locksmith history [CONFIG] [--settings FILE] [--json]

Every update and what became of it, oldest first; of one config if named. Reads the agent's journal, so it works with the
daemon dead. --json prints the records as they went to the fleet.
Exit code: 0, or 4 if there is nothing.

Example: locksmith history aim_lock_config`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs(
      'history',
      argv,
      { settings: { type: 'string', default: SETTINGS_PATH }, json: { type: 'boolean', default: false } },
      { min: 0, max: 1, names: 'at most one CONFIG' },
    );
    const settings = readSettings(values.settings);
    const config = positionals[0];
    if (config !== undefined && !Object.hasOwn(settings.configs, config)) {
      throw new SaidError(
        EXIT.nothing,
        `history: there is no config '${config}' in ${values.settings}`,
        `locksmith history`,
      );
    }
    const memory = createOutboxMemory();
    replayJournal(hostFiles(), sha256, `${settings.paths.state}/journal`, [memory]);
    const events = memory.history(config);
    if (values.json) terminal.out(`${JSON.stringify(events)}\n`);
    else
      for (const event of events)
        terminal.out(`${event.at}${event.clock === 'ok' ? '' : ' (clock untrusted)'}  ${tellEvent(event).line}\n`);
    if (events.length === 0) terminal.err('nothing has happened yet\n');
    return events.length === 0 ? EXIT.nothing : EXIT.done;
  },
};
