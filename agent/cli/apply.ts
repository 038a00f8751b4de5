import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Agent } from '../agent.ts';
import { readSettings } from '../settings.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { harmless } from '../values/printable.ts';
import { remedyOf } from '../values/remedy.ts';
import { messageOf } from '../values/thrown.ts';
import { DOCUMENT_MAX_BYTES } from '../values/update.ts';
import { askAgent, sayNoAnswer } from './ask-agent.ts';
import { type Command, lineFor, readArgs, SETTINGS_PATH } from './command.ts';
import { listenFirst } from './vehicle-door.ts';

/** What the line answers to a document from a file. */
interface Answer {
  readonly result: string;
  readonly code: string | null;
  readonly reason: string | null;
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && 'result' in value && typeof value.result === 'string';
}

function readDocument(path: string): string {
  try {
    const bytes = readFileSync(path === '-' ? 0 : path);
    if (bytes.length > DOCUMENT_MAX_BYTES + 2) {
      throw new SaidError(
        EXIT.usage,
        `${path}: ${bytes.length} bytes, more than a signed document can have`,
        'locksmith sign --help',
      );
    }
    return bytes.toString('latin1').trim();
  } catch (error) {
    if (error instanceof SaidError) throw error;
    throw new SaidError(EXIT.usage, `${path}: cannot be read: ${messageOf(error)}`, 'locksmith apply FILE');
  }
}

/** `locksmith apply`. */
export const command: Command = {
  help: `Usage: locksmith apply FILE [--despite-halt --reason R] [--settings FILE] [--json]

Takes a signed update from a file (- for standard input) through the very same line as one from the broker: for a device
without a network. Works with the daemon running or not; without it the vehicle is listened to for ten seconds, if the update waits for it.
Exit code: 0 applied or nothing to change, 3 refused or waiting (it is applied by itself later), 1 failed.

While a halt holds it, it waits; --despite-halt lets this one update pass, and tells the fleet who did so and why.

Example: locksmith apply /media/usb/aim_lock_config.jws`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs(
      'apply',
      argv,
      {
        settings: { type: 'string', default: SETTINGS_PATH },
        'despite-halt': { type: 'boolean', default: false },
        reason: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
      { min: 1, max: 1, names: 'one FILE' },
    );
    const { reason } = values;
    const misuse = (why: string) => new SaidError(EXIT.usage, `apply: ${why}`, 'locksmith apply --help');
    if (values['despite-halt'] && reason === undefined) throw misuse('--despite-halt needs --reason R');
    if (!values['despite-halt'] && reason !== undefined) throw misuse('--reason is for --despite-halt');
    if (reason !== undefined && (!/\S/.test(reason) || harmless(reason, 256) !== reason)) {
      throw misuse('--reason: expected words, at most 256 characters');
    }
    const despiteHalt = reason === undefined ? undefined : { who: userInfo().username, reason };
    const document = readDocument(positionals[0] ?? '');
    const request = { do: 'apply', document, ...(despiteHalt === undefined ? {} : { despite_halt: despiteHalt }) };
    const settings = readSettings(values.settings);
    const own = async (agent: Agent) => {
      const first = await agent.apply(document, despiteHalt);
      if (first.code !== 'not-safe' || first.result !== 'waiting') return first;
      await listenFirst(agent, settings, terminal);
      return agent.apply(document);
    };
    const answer = await askAgent('apply', settings, request, own);
    if (!isAnswer(answer)) throw new SaidError(EXIT.failed, `apply: ${sayNoAnswer(answer)}`, 'locksmith status');
    if (values.json) terminal.out(`${JSON.stringify(answer)}\n`);
    else {
      const { result, reason: why, code } = answer;
      const line = `${result}${why === null ? '' : `: ${why}`}${code === null ? '' : ` (${code})`}`;
      terminal.out(`${lineFor(terminal, line)}\n`);
      const remedy = code === null ? null : remedyOf(code, null);
      if (remedy !== null) terminal.err(`Try: ${remedy}\n`);
    }
    return answer.result === 'applied' || answer.result === 'withdrawn' || answer.result === 'covered'
      ? EXIT.done
      : EXIT.refused;
  },
};
