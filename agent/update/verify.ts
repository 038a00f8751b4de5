import type { Sha256 } from '../ports/world.ts';
import { type Refusal, refuse } from '../values/errors.ts';
import type { ClockTrust } from '../values/report.ts';
import type { Address } from '../values/topics.ts';
import { rfc3339 } from '../values/units.ts';
import type { Update } from '../values/update.ts';
import { bytesOf, digestOf } from './content.ts';
import type { HeldUpdate, Place } from './ledger.ts';
import type { Envelope } from './parse.ts';

/** How far in the future a trusted clock lets a document be signed, in seconds. */
export const FUTURE_MAX_S = 300;

/** What verify knows of this device. */
export interface VerifyContext {
  readonly addresses: readonly Address[];
  /** Base names of the files of each config. */
  readonly configs: ReadonlyMap<string, readonly string[]>;
  readonly nowS: number;
  readonly clock: ClockTrust;
  readonly sha256: Sha256;
}

/** Is this signed update for this device, for a config it has, whole and in time? Pure; null if so. */
export function checkUpdate(update: Update, place: Envelope['place'], context: VerifyContext): Refusal | null {
  if (place !== null && update.aud !== place.address) {
    return refuse('wrong-audience', `signed for ${update.aud}, published to ${place.address}`);
  }
  if (!context.addresses.includes(update.aud)) {
    return refuse('wrong-audience', `signed for ${update.aud}, which is no address of this device`);
  }
  if (place !== null && (update.config !== place.config || update.layer !== place.layer)) {
    return refuse(
      'wrong-topic',
      `signed for ${update.config}/${update.layer}, published on ${place.config}/${place.layer}`,
    );
  }
  const names = context.configs.get(update.config);
  if (names === undefined)
    return refuse('not-managed', `config ${update.config} is not in the settings of this device`);
  return checkFiles(update, names, context) ?? checkTimes(update, context);
}

function checkFiles(update: Update, names: readonly string[], context: VerifyContext): Refusal | null {
  if (update.withdraw) return null;
  const listed = update.files.map(({ name }) => name);
  const extra = listed.find((name) => !names.includes(name));
  if (extra !== undefined) return refuse('incomplete', `files: ${extra} is not a file of config ${update.config}`);
  const missing = names.find((name) => !listed.includes(name));
  if (missing !== undefined) return refuse('incomplete', `files: ${missing} is missing`);
  if (new Set(listed).size !== listed.length) return refuse('incomplete', 'files: a file is listed twice');
  for (const file of update.files) {
    if (!('content' in file)) continue;
    const digest = digestOf(bytesOf(file), context.sha256);
    if (digest !== file.digest)
      return refuse('digest-mismatch', `files: ${file.name} has ${digest}, not ${file.digest}`);
  }
  return null;
}

function checkTimes(update: Update, { clock, nowS }: VerifyContext): Refusal | null {
  if (clock === 'untrusted') return null;
  if (update.iat > nowS + FUTURE_MAX_S) return refuse('from-future', `signed at ${rfc3339(update.iat * 1000)}`);
  if (update.exp !== undefined && update.exp <= nowS) return refuse('expired', `exp was ${rfc3339(update.exp * 1000)}`);
  if (update.until !== undefined && update.until <= nowS) {
    return refuse('expired', `until was ${rfc3339(update.until * 1000)}`);
  }
  return null;
}

/** How a document stands to the ones seen before for its place. */
export type Standing = 'new' | 'same' | 'renewal' | Refusal;

/** Compares with the high-water mark, which may stand where nothing is held any more. Pure. */
export function checkVersion(held: HeldUpdate, place: Place | null, mark: number): Standing {
  if (held.version > mark) return 'new';
  if (held.hash === place?.latest.hash) return 'same';
  const where = `${held.config} ${held.layer} for ${held.address}`;
  if (held.version < mark || place === null || place.latest.version < mark) {
    return refuse('replayed', `version ${held.version} of ${where}, but ${mark} was seen`);
  }
  if (place.latest.version === held.version && place.latest.sameness === held.sameness) return 'renewal';
  return refuse('version-reused', `version ${held.version} of ${where} was seen with other content`);
}
