import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Units } from '../ports.ts';
import { Failure } from '../values/errors.ts';

/** How long systemd may take to stop or start a service. Source: twice its own default limit. */
const SYSTEMCTL_MS = 180_000;
const run = promisify(execFile);

/** The services of this machine, by systemctl. */
export function hostUnits(): Units {
  const call = async (verb: string, unit: string) => {
    try {
      await run('systemctl', [verb, '--', unit], { timeout: SYSTEMCTL_MS });
    } catch (error) {
      const why = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
      throw new Failure('io', `systemctl ${verb}`, unit, `${unit}: systemctl ${verb}: ${why}`, {
        retry: true,
        cause: error,
      });
    }
  };
  return {
    async running(unit) {
      try {
        await run('systemctl', ['is-active', '--quiet', '--', unit], { timeout: SYSTEMCTL_MS });
        return true;
      } catch {
        return false;
      }
    },
    stop: (unit) => call('stop', unit),
    start: (unit) => call('start', unit),
  };
}
