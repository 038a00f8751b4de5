import { promisify } from 'node:util';
import type { Units } from '../ports/processes.ts';
import { Failure } from '../values/errors.ts';

/** How long systemd may take to stop or start a service. Source: twice its own default limit. */
const SYSTEMCTL_MS = 180_000;
/** What systemctl says of a service that runs, or would be back in a moment; its exit code tells `active` alone. */
const ABOUT = ['activating', 'reloading', 'refreshing', 'deactivating'];

/** Runs systemctl; loaded when first needed, which on most devices is never. */
async function systemctl(argv: readonly string[], timeout = SYSTEMCTL_MS): Promise<void> {
  const { execFile } = await import('node:child_process');
  await promisify(execFile)('systemctl', argv, { timeout });
}

/** The services of this machine, by systemctl. */
export function hostUnits(): Units {
  const failure = (verb: string, unit: string, error: unknown) => {
    const why = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
    return new Failure('io', `systemctl ${verb}`, unit, `${unit}: systemctl ${verb}: ${why}`, {
      retry: true,
      cause: error,
    });
  };
  const call = async (verb: string, unit: string, withinMs?: number) => {
    try {
      await systemctl([verb, '--', unit], withinMs);
    } catch (error) {
      throw failure(verb, unit, error);
    }
  };
  return {
    async running(unit) {
      try {
        await systemctl(['is-active', '--', unit]);
        return true;
      } catch (error) {
        // It answered, and the answer was no; without an answer nothing is known.
        if (!(error instanceof Error && 'code' in error && typeof error.code === 'number')) {
          throw failure('is-active', unit, error);
        }
        return 'stdout' in error && ABOUT.includes(String(error.stdout).trim());
      }
    },
    stop: (unit) => call('stop', unit),
    start: (unit) => call('start', unit),
    reload: (unit, withinMs) => call('reload-or-restart', unit, withinMs),
  };
}
