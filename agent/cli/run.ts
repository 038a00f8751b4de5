import { readSettings } from '../settings.ts';
import { EXIT } from '../values/errors.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';
import { openHostAgent } from './host-agent.ts';

/** `locksmith run`. */
export const command: Command = {
  help: `Usage: locksmith run [--settings FILE]

The daemon: keeps the link to the broker, takes signed updates, checks the lock, applies them whole, reports.
SIGTERM or SIGINT ends the step it is in and leaves.

Example: locksmith run --settings /etc/locksmith/agent.yaml`,
  async run(argv, terminal) {
    const { values } = readArgs(
      'run',
      argv,
      { settings: { type: 'string', default: SETTINGS_PATH } },
      { min: 0, max: 0, names: '' },
    );
    const settings = readSettings(values.settings);
    const stopped = new Promise<string>((resolve) => {
      process.once('SIGTERM', () => resolve('SIGTERM'));
      process.once('SIGINT', () => resolve('SIGINT'));
    });
    const agent = await openHostAgent(settings, {
      broker: true,
      echo: (line) => terminal.err(line),
      env: terminal.env,
    });
    try {
      await agent.start();
      await agent.stop(await stopped);
      return EXIT.done;
    } catch (error) {
      // Half an agent, with a link but without a line, would look alive to the fleet and to systemd.
      await agent.stop('it could not go on').catch(() => {});
      throw error;
    }
  },
};
