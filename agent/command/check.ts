import type { Command } from '../values/command.ts';
import { type Refusal, refuse } from '../values/errors.ts';
import { printable } from '../values/printable.ts';
import type { ClockTrust } from '../values/report.ts';
import { rfc3339 } from '../values/units.ts';

/** How far in the future a trusted clock lets a command be signed, in seconds. */
export const FUTURE_MAX_S = 300;

/** What the intake knows of this device and of the commands before. */
export interface CheckContext {
  /** The id of the device. */
  readonly device: string;
  readonly configs: readonly string[];
  readonly nowS: number;
  readonly clock: ClockTrust;
  /** True for an id that was taken before. */
  used(id: string): boolean;
  /** See the memory of ids. */
  readonly forgottenUntilS: number;
}

/** Where a command came in. */
export interface CommandPlace {
  readonly id: string;
  readonly name: string;
}

/** Is this signed command for this device, new, in time, and about a config it has? Pure; null if so. */
export function checkCommand(command: Command, place: CommandPlace, context: CheckContext): Refusal | null {
  const { id, aud, cmd, config, iat, exp } = command;
  if (aud !== `dev/${context.device}`) {
    return refuse('wrong-audience', `signed for ${aud}, this device is dev/${context.device}`);
  }
  if (place.id !== context.device || place.name !== cmd) {
    const where = printable(`${place.id}/cmd/${place.name}`, 128);
    return refuse('wrong-topic', `signed as ${cmd} for ${aud}, published on ${where}`);
  }
  // These two hold with whatever clock: a clock set back must not make an old command new.
  if (context.used(id)) return refuse('replayed', `command ${id} was taken before`);
  if (exp <= context.forgottenUntilS) {
    return refuse('replayed', `exp was ${rfc3339(exp * 1000)}: whether it was taken before is not known any more`);
  }
  if (context.clock === 'ok') {
    if (iat > context.nowS + FUTURE_MAX_S) return refuse('from-future', `signed at ${rfc3339(iat * 1000)}`);
    if (exp <= context.nowS) return refuse('expired', `exp was ${rfc3339(exp * 1000)}`);
  }
  if (config !== undefined && !context.configs.includes(config)) {
    return refuse('not-managed', `config ${config} is not in the settings of this device`);
  }
  return null;
}
