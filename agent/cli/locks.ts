import { askControl } from '../host/control.ts';
import { explainLock } from '../lock/explain.ts';
import type { Observation } from '../lock/observe.ts';
import { EXIT } from '../values/errors.ts';
import { fold } from '../values/layout.ts';
import { sayLock } from '../values/lock-words.ts';
import { sayDuration } from '../values/units.ts';
import { type Command, lineFor, readArgs, readingWidth, SETTINGS_PATH } from './command.ts';
import { knownConfig, openLockDesk } from './lock-room.ts';

/** How long the daemon may take to say that it is there. */
const DAEMON_MS = 1000;

/** One line of the list: `aim_lock_config  HOT  token 17  aim_lock_config.conf: held by …`. */
function line(config: string, { lock }: Observation, width: number, nowMs: number): string {
  const age = lock.since === null ? '' : ` for ${sayDuration(nowMs - Date.parse(lock.since))}`;
  const words = lock.state === 'HOT' ? sayLock(lock, nowMs) : `free${age}`;
  return `${config.padEnd(width)}  ${lock.state.padEnd(4)}  token ${lock.token}  ${lock.file}: ${words}`;
}

async function daemonRuns(run: string): Promise<boolean> {
  try {
    return (await askControl(`${run}/control.sock`, { do: 'ping' }, DAEMON_MS)) !== null;
  } catch {
    return false;
  }
}

/** `locksmith locks`. */
export const command: Command = {
  help: `Usage: locksmith locks [NAME] [--json] [--settings FILE]

Every lock: state, token, who has it and since when. NAME explains one and says what to do. Looks for itself, so it works with the
daemon dead, and changes nothing. Without root it shows less, and says so.
Exit code: 0, or 4 if there is no such config.

Example: locksmith locks aim_lock_config`,
  async run(argv, terminal) {
    const options = {
      settings: { type: 'string', default: SETTINGS_PATH },
      json: { type: 'boolean', default: false },
    } as const;
    const { values, positionals } = readArgs('locks', argv, options, { min: 0, max: 1, names: 'at most one NAME' });
    const desk = openLockDesk(values.settings, terminal);
    try {
      const { settings, room } = desk;
      const [name] = positionals;
      const configs =
        name === undefined ? Object.keys(settings.configs) : [knownConfig('locks', settings, values.settings, name)];
      const seen: { readonly config: string; readonly found: Observation }[] = [];
      for (const config of configs) seen.push({ config, found: await room.lock(config).observe() });
      const [first] = seen;
      const nowMs = Date.now();
      const why =
        name === undefined || first === undefined
          ? null
          : explainLock(name, first.found.lock, first.found.stale, await daemonRuns(settings.paths.run));
      if (values.json) {
        const json =
          why === null || first === undefined ? seen.map(({ found }) => found.lock) : { ...first.found.lock, ...why };
        terminal.out(`${JSON.stringify(json)}\n`);
      } else {
        const width = Math.max(...configs.map((config) => config.length));
        for (const { config, found } of seen) terminal.out(`${lineFor(terminal, line(config, found, width, nowMs))}\n`);
        if (why !== null) {
          const text = (words: string) => fold(words, readingWidth(terminal));
          terminal.out(`\n${text(why.explanation)}\n${text(why.remedy)}\n`);
        }
      }
      if (seen.some(({ found }) => !found.complete)) {
        const more = 'root would also see the processes of other users, and try the locks itself';
        const why = process.geteuid?.() === 0 ? 'some processes cannot be looked into here' : more;
        terminal.err(`${fold(`Not all of it could be seen: ${why}.`, readingWidth(terminal))}\n`);
      }
      return EXIT.done;
    } finally {
      desk.close();
    }
  },
};
