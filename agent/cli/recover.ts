import { readSettings } from '../settings.ts';
import type { CutOff } from '../update/cut-off.ts';
import { EXIT, Failure, SaidError } from '../values/errors.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';
import { openHostAgent } from './host-agent.ts';

const WORDS: Readonly<Record<CutOff['end'], string>> = {
  forward: 'completed: all its files are new',
  back: 'taken back: all its files are old, and the agent tries it again',
  'rolled-back': 'taken back: it was in place and never proved good; what was there before is back',
  unproved: 'in place and never proved good: the agent takes it back when vehicle and lock let it',
  waits: 'half done: somebody has the lock; the agent completes it when the lock is COLD',
};

/** `locksmith recover`. */
export const command: Command = {
  help: `Usage: locksmith recover [--settings FILE] [--json]

Ends what a crash or a power cut has cut off, and does nothing else: a set of files of which some are new is completed, one of which
none is new is taken back. So is a content that was in place and had not proved itself yet, unless the vehicle has to be asked: then the
agent does it, as soon as it knows that the vehicle is safe. For the time before the programs start that read the files; the agent does the same when it starts.
Exit code: 0 something was ended, 4 there was nothing to do, 3 something is left to the agent, 1 failed.

Example: locksmith recover`,
  async run(argv, terminal) {
    const { values } = readArgs(
      'recover',
      argv,
      { settings: { type: 'string', default: SETTINGS_PATH }, json: { type: 'boolean', default: false } },
      { min: 0, max: 0, names: '' },
    );
    const settings = readSettings(values.settings);
    const agent = await openHostAgent(settings, { broker: false, echo: (line) => terminal.err(`${line}\n`) });
    try {
      const ends = await agent.recover();
      const cutOff = ends.filter((end): end is CutOff => !(end instanceof Failure));
      const failures = ends.filter((end) => end instanceof Failure);
      if (values.json) terminal.out(`${JSON.stringify(cutOff)}\n`);
      else for (const { config, document, end } of cutOff) terminal.out(`${config}: ${document} ${WORDS[end]}\n`);
      const [failure] = failures;
      if (failure !== undefined) {
        throw new SaidError(
          EXIT.failed,
          `recover: ${failure.message} (${failure.code})`,
          `locksmith explain ${failure.code}`,
        );
      }
      if (cutOff.length === 0) terminal.err('nothing was cut off\n');
      if (cutOff.some(({ end }) => end === 'waits' || end === 'unproved')) return EXIT.refused;
      return cutOff.length === 0 ? EXIT.nothing : EXIT.done;
    } finally {
      await agent.stop('recover is done');
    }
  },
};
