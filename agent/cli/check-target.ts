import { fixedFinder } from '../host/libc.ts';
import { hostTargets } from '../host/targets.ts';
import { capabilitiesOf } from '../host/unit-facts.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import { Failure } from '../values/errors.ts';

/** What the unit gives the agent, so that it can replace files that are not its own. Source: capabilities(7). */
const CAP_DAC_OVERRIDE = 1n << 1n;

/** Looks whether a config file can be written; what is only to be said of it, or null. Throws Failure. */
export function examineTarget(file: ConfigSettings['files'][number]): string | null {
  const writesAnywhere = ((capabilitiesOf(process.pid) ?? 0n) & CAP_DAC_OVERRIDE) !== 0n;
  const target = hostTargets({ whyFixed: fixedFinder(), writesAnywhere }).open('check.open', file.path, {
    follow: file.follow,
  });
  try {
    return target.examine('check.open');
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // That is looked at with the eyes of the unit.
    if (error.code === 'read-only') return null;
    if (error.code === 'no-permission' && !writesAnywhere) return 'cannot be written by this user';
    throw error;
  } finally {
    target.close();
  }
}
