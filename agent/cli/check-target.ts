import { fixedFinder } from '../host/libc.ts';
import { hostTargets } from '../host/targets.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import { Failure } from '../values/errors.ts';

/** Looks whether a config file can be written; what is only to be said of it, or null. Throws Failure. */
export function examineTarget(file: ConfigSettings['files'][number]): string | null {
  const target = hostTargets({ whyFixed: fixedFinder() }).open('check.open', file.path, { follow: file.follow });
  try {
    return target.examine('check.open');
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // That is looked at with the eyes of the unit.
    if (error.code === 'read-only') return null;
    if (error.code === 'no-permission' && process.geteuid?.() !== 0) return 'cannot be written by this user';
    throw error;
  } finally {
    target.close();
  }
}
