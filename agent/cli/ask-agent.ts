import type { Agent } from '../agent.ts';
import { askControl } from '../host/control.ts';
import type { Settings } from '../settings-schema.ts';
import { EXIT, Failure, SaidError } from '../values/errors.ts';
import { openHostAgent } from './host-agent.ts';

/** How long the daemon may take to say that it is there: longer than its longest step without a breath. */
const PING_MS = 5_000;
/** How long it may take over a request: a worn card can need seconds for each write. */
const ANSWER_MS = 120_000;

/** Asks again for a while as long as nobody listens; null if nobody ever does. */
async function askUntil(socket: string, request: object, withinMs: number): Promise<unknown> {
  for (const end = Date.now() + withinMs; Date.now() < end; ) {
    const answer = await askControl(socket, request, ANSWER_MS);
    if (answer !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return null;
}

/**
 * Has the one writer of this device do something: asks the daemon, or does it in this process if no daemon is there. `command` is who
 * asks, for the words. Throws {@link SaidError} if the daemon does not move.
 */
export async function askAgent(
  command: string,
  settings: Settings,
  request: object,
  own: (agent: Agent) => Promise<unknown>,
): Promise<unknown> {
  const socket = `${settings.paths.run}/control.sock`;
  const alive = await askControl(socket, { do: 'ping' }, PING_MS).catch((error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'io') throw error;
    throw new SaidError(
      EXIT.failed,
      `${command}: the agent is there but does not answer at ${socket}: it is frozen or overloaded, and nothing was handed to it`,
      'locksmith status',
    );
  });
  const answer = alive === null ? null : await askControl(socket, request, ANSWER_MS);
  if (answer !== null) return answer;
  const agent = await openHostAgent(settings, { broker: false, echo: () => {} });
  try {
    await agent.start();
  } catch (error) {
    // The daemon is just starting: it has its state already, and will listen in a moment.
    const late = error instanceof SaidError ? await askUntil(socket, request, PING_MS) : null;
    if (late === null) throw error;
    return late;
  }
  try {
    return await own(agent);
  } finally {
    await agent.stop(`${command} is done`);
  }
}

/** What the agent said went wrong, of an answer that is not what was asked for. */
export function sayNoAnswer(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'error' in answer ? String(answer.error) : 'no answer';
}
