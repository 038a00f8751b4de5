import type { Command } from '../values/command.ts';
import { type Refusal, refuse } from '../values/errors.ts';
import type { Halt } from '../values/halt.ts';
import type { ClockTrust } from '../values/report.ts';
import type { Address } from '../values/topics.ts';
import { rfc3339 } from '../values/units.ts';
import type { Update } from '../values/update.ts';
import type { TrustKey } from './keys.ts';

/**
 * May this key sign this update? null if so, else the refusal `key-not-allowed`. The life of a key (`nbf`, `exp`) is held
 * against a trusted clock, and always against the time the document says it was signed. Pure.
 */
export function mayUpdate(
  key: TrustKey,
  update: Update,
  now: { readonly nowS: number; readonly clock: ClockTrust },
): Refusal | null {
  const no = (why: string) => refuse('key-not-allowed', `key ${key.kid} ${why}`);
  if (key.role !== 'push') return no('is a root key, which signs no updates');
  const { addresses, configs } = key.may;
  if (addresses !== null && !addresses.some((allowed) => covers(allowed, update.aud))) {
    return no(`may not sign for ${update.aud}`);
  }
  if (configs !== null && !configs.includes(update.config)) return no(`may not sign for config ${update.config}`);
  return lifeOf(key, update.iat, now);
}

/** May this key sign this command? null if so, else the refusal `key-not-allowed`; see {@link mayUpdate}. Pure. */
export function mayCommand(
  key: TrustKey,
  command: Command,
  now: { readonly nowS: number; readonly clock: ClockTrust },
): Refusal | null {
  const no = (why: string) => refuse('key-not-allowed', `key ${key.kid} ${why}`);
  if (key.role !== 'push') return no('is a root key, which signs no commands');
  const { addresses, configs, commands, endHolder } = key.may;
  if (addresses !== null && !addresses.some((allowed) => covers(allowed, command.aud))) {
    return no(`may not sign for ${command.aud}`);
  }
  if (commands !== null && !commands.includes(command.cmd)) return no(`may not sign ${command.cmd} commands`);
  const { config } = command;
  if (configs !== null && config !== undefined && !configs.includes(config)) {
    return no(`may not sign for config ${config}`);
  }
  if (command.cmd === 'release' && command.end_holder === true && !endHolder) return no('may not have a holder ended');
  return lifeOf(key, command.iat, now);
}

/**
 * May this key sign this halt, or its lifting? null if so, else the refusal `key-not-allowed`. One that is limited to configs must name
 * none but those. Pure.
 */
export function mayHalt(
  key: TrustKey,
  halt: Halt,
  now: { readonly nowS: number; readonly clock: ClockTrust },
): Refusal | null {
  const no = (why: string) => refuse('key-not-allowed', `key ${key.kid} ${why}`);
  if (key.role !== 'push') return no('is a root key, which signs no halts');
  const { addresses, configs } = key.may;
  if (addresses !== null && !addresses.some((allowed) => covers(allowed, halt.aud))) {
    return no(`may not sign for ${halt.aud}`);
  }
  if (configs !== null && halt.configs?.every((config) => configs.includes(config)) !== true) {
    return no(`may sign for configs ${configs.join(', ')} only`);
  }
  return lifeOf(key, halt.iat, now);
}

/** May this root key sign which keys count for this address? null if so. Pure. */
export function mayTrust(key: TrustKey, address: Address): Refusal | null {
  const { addresses } = key.may;
  if (addresses === null || addresses.some((allowed) => covers(allowed, address))) return null;
  return refuse('key-not-allowed', `key ${key.kid} may not sign for ${address}`);
}

/** Is the key valid, at the time the document was signed (`iatS`, where it says so) and now? null if so. Pure. */
export function lifeOf(
  key: TrustKey,
  iatS: number | null,
  now: { readonly nowS: number; readonly clock: ClockTrust },
): Refusal | null {
  const no = (why: string) => refuse('key-not-allowed', `key ${key.kid} ${why}`);
  const times = [...(iatS === null ? [] : [iatS]), ...(now.clock === 'ok' ? [now.nowS] : [])];
  for (const at of times) {
    if (key.nbf !== null && at < key.nbf) return no(`is not valid before ${rfc3339(key.nbf * 1000)}`);
    if (key.exp !== null && at >= key.exp) return no(`is not valid since ${rfc3339(key.exp * 1000)}`);
  }
  return null;
}

function covers(allowed: string, address: Address): boolean {
  if (allowed === 'dev/*') return address.startsWith('dev/');
  if (allowed === 'grp/*') return address.startsWith('grp/');
  return allowed === address;
}
