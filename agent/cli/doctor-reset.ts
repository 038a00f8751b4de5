import { userInfo } from 'node:os';
import { readSettings } from '../settings.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { askAgent, sayNoAnswer } from './ask-agent.ts';
import type { Terminal } from './command.ts';

function isDone(value: unknown): value is { readonly floor: string; readonly was: string; readonly clock: string } {
  return typeof value === 'object' && value !== null && 'floor' in value && 'was' in value && 'clock' in value;
}

/** Has the agent forget the latest time it has seen; for root, with a reason, told to the log and the fleet. */
export async function resetClockFloor(
  settingsPath: string,
  reason: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const why = reason?.trim() ?? '';
  const again = 'locksmith doctor --reset-clock-floor --reason "…"';
  if (why === '') throw new SaidError(EXIT.usage, 'doctor: --reset-clock-floor needs --reason', again);
  if (process.getuid?.() !== 0) {
    throw new SaidError(EXIT.refused, 'doctor: --reset-clock-floor is for root', `sudo ${again}`);
  }
  const settings = readSettings(settingsPath);
  const who = process.env.SUDO_USER ?? userInfo().username;
  const answer = await askAgent('doctor', settings, { do: 'reset-clock-floor', who, reason: why }, (agent) =>
    agent.resetClockFloor(who, why),
  );
  if (!isDone(answer)) throw new SaidError(EXIT.failed, `doctor: ${sayNoAnswer(answer)}`, 'locksmith status');
  const is = answer.clock === 'ok' ? 'is trusted now' : 'is still earlier than that: set it';
  terminal.out(`The clock floor was ${answer.was} and is ${answer.floor}; the clock ${is}.\n`);
  return EXIT.done;
}
