import { readFileSync } from 'node:fs';
import { askControl } from '../host/control.ts';
import { readSettings } from '../settings.ts';
import { EXIT, Failure, SaidError } from '../values/errors.ts';
import { DOCUMENT_MAX_BYTES } from '../values/update.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';
import { openHostAgent } from './host-agent.ts';

/** How long the daemon may take to say that it is there: longer than its longest step without a breath. */
const PING_MS = 5_000;
/** How long it may take over a document: a worn card can need seconds for each write. */
const ANSWER_MS = 120_000;

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
    throw new SaidError(
      EXIT.usage,
      `${path}: cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'locksmith apply FILE',
    );
  }
}

/** Asks again for a while as long as nobody listens; null if nobody ever does. */
async function askUntil(socket: string, request: object, withinMs: number): Promise<unknown> {
  for (const end = Date.now() + withinMs; Date.now() < end; ) {
    const answer = await askControl(socket, request, ANSWER_MS);
    if (answer !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return null;
}

/** Asks the daemon, or runs the line in this process if no daemon is there. */
async function submit(settingsPath: string, document: string): Promise<unknown> {
  const settings = readSettings(settingsPath);
  const socket = `${settings.paths.run}/control.sock`;
  const alive = await askControl(socket, { do: 'ping' }, PING_MS).catch((error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'io') throw error;
    throw new SaidError(
      EXIT.failed,
      `apply: the agent is there but does not answer at ${socket}: it is frozen or overloaded, and nothing was handed to it`,
      'locksmith status',
    );
  });
  const answer = alive === null ? null : await askControl(socket, { do: 'apply', document }, ANSWER_MS);
  if (answer !== null) return answer;
  const agent = await openHostAgent(settings, { broker: false, echo: () => {} });
  try {
    await agent.start();
  } catch (error) {
    // The daemon is just starting: it has its state already, and will listen in a moment.
    const late = error instanceof SaidError ? await askUntil(socket, { do: 'apply', document }, PING_MS) : null;
    if (late === null) throw error;
    return late;
  }
  try {
    return await agent.apply(document);
  } finally {
    await agent.stop('apply is done');
  }
}

/** `locksmith apply`. */
export const command: Command = {
  help: `Usage: locksmith apply FILE [--settings FILE] [--json]

Takes a signed update from a file (- for standard input) through the very same line as one from the broker: for a device
without a network. Works with the daemon running or not.
Exit code: 0 applied or nothing to change, 3 refused or waiting (it is applied by itself later), 1 failed.

Example: locksmith apply /media/usb/aim_lock_config.jws`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs(
      'apply',
      argv,
      { settings: { type: 'string', default: SETTINGS_PATH }, json: { type: 'boolean', default: false } },
      { min: 1, max: 1, names: 'one FILE' },
    );
    const answer = await submit(values.settings, readDocument(positionals[0] ?? ''));
    if (!isAnswer(answer)) {
      const said =
        typeof answer === 'object' && answer !== null && 'error' in answer ? String(answer.error) : 'no answer';
      throw new SaidError(EXIT.failed, `apply: ${said}`, 'locksmith status');
    }
    if (values.json) terminal.out(`${JSON.stringify(answer)}\n`);
    else
      terminal.out(
        `${answer.result}${answer.reason === null ? '' : `: ${answer.reason}`}${answer.code === null ? '' : ` (${answer.code})`}\n`,
      );
    return answer.result === 'applied' || answer.result === 'withdrawn' || answer.result === 'covered'
      ? EXIT.done
      : EXIT.refused;
  },
};
