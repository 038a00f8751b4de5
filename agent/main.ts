import { BUILD } from './build.ts';
import { type Command, helpFor, type Terminal } from './cli/command.ts';
import { EXIT, Failure, SaidError } from './values/errors.ts';
import { nearest } from './values/nearest.ts';
import { harmless } from './values/printable.ts';

/** Every command, loaded only when it is asked for. */
const COMMANDS: Readonly<Record<string, { readonly does: string; load(): Promise<{ readonly command: Command }> }>> = {
  run: { does: 'the daemon', load: () => import('./cli/run.ts') },
  check: { does: 'looks whether settings, keys, schemas and paths are right', load: () => import('./cli/check.ts') },
  doctor: { does: 'looks at everything the agent needs, with what to do', load: () => import('./cli/doctor.ts') },
  diag: { does: 'one bundle of everything for support, secrets left out', load: () => import('./cli/diag.ts') },
  keys: { does: 'makes keys, shows them, and changes which ones devices believe', load: () => import('./cli/keys.ts') },
  sign: { does: 'makes a signed update without a broker', load: () => import('./cli/sign.ts') },
  page: { does: 'a small local page for a browser, and /metrics', load: () => import('./cli/page.ts') },
  push: { does: 'signs an update and publishes it to the fleet', load: () => import('./cli/push.ts') },
  halt: { does: 'lets updates wait, or go on again', load: () => import('./cli/halt.ts') },
  withdraw: { does: 'takes an update back', load: () => import('./cli/withdraw.ts') },
  rollout: { does: 'changes a fleet in waves, canary first', load: () => import('./cli/rollout.ts') },
  fleet: { does: 'all devices in one table; every HOT lock; forgets a device', load: () => import('./cli/fleet.ts') },
  status: { does: 'agent, link, configs and locks at a glance', load: () => import('./cli/status.ts') },
  apply: { does: 'a signed update from a file', load: () => import('./cli/apply.ts') },
  locks: { does: 'every lock: who has it, since when, and what to do', load: () => import('./cli/locks.ts') },
  recover: { does: 'ends what a crash cut off, before the programs start', load: () => import('./cli/recover.ts') },
  release: { does: "makes a lock COLD by a person's decision", load: () => import('./cli/release.ts') },
  refresh: { does: 'has a device far away say again what it reports', load: () => import('./cli/refresh.ts') },
  confirm: { does: 'tells a device that an update is good', load: () => import('./cli/confirm.ts') },
  hold: { does: 'runs a command with a lock held', load: () => import('./cli/hold.ts') },
  log: { does: "the device's own story in plain words", load: () => import('./cli/log.ts') },
  rollback: { does: 'goes back to the last good content, here or far away', load: () => import('./cli/rollback.ts') },
  diff: { does: 'what changed in a config, by hand or by an update', load: () => import('./cli/diff.ts') },
  explain: { does: 'what a word means, why it comes, and what to do', load: () => import('./cli/explain.ts') },
  track: { does: 'the flights this device still has; --gpx for a map', load: () => import('./cli/track.ts') },
  history: { does: 'every update and what became of it', load: () => import('./cli/history.ts') },
};

const isHelp = (word: string) => word === '--help' || word === '-h';

function helpText(): string {
  const rows = Object.entries(COMMANDS).map(([name, { does }]) => `  ${name.padEnd(10)} ${does}`);
  return [
    'locksmith: takes signed config updates, checks the lock of the device, applies them whole',
    '',
    ...rows,
    '',
    'locksmith COMMAND --help tells more and gives an example.',
    '',
  ].join('\n');
}

/** Runs one command and returns its exit code; every error becomes one line and a `Try:` line. */
export async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = argv[0] === 'help' && argv[1] !== undefined ? [argv[1], '--help'] : argv;
  if (name === undefined || isHelp(name) || name === 'help') {
    terminal.out(helpFor(terminal, helpText()));
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  if (name === '--version') {
    terminal.out(`locksmith ${BUILD.version}\n`);
    return EXIT.done;
  }
  try {
    const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (entry === undefined) {
      const meant = nearest(name, Object.keys(COMMANDS));
      const hint = meant === null ? '' : ` (did you mean '${meant}'?)`;
      throw new SaidError(EXIT.usage, `there is no command '${harmless(name, 64)}'${hint}`, 'locksmith --help');
    }
    const { command } = await entry.load();
    const end = rest.indexOf('--');
    if ((end === -1 ? rest : rest.slice(0, end)).some(isHelp)) {
      terminal.out(helpFor(terminal, command.help.endsWith('\n') ? command.help : `${command.help}\n`));
      return EXIT.done;
    }
    return await command.run(rest, terminal);
  } catch (error) {
    if (error instanceof SaidError) {
      terminal.err(`locksmith: ${error.message}\nTry: ${error.remedy}\n`);
      return error.exit;
    }
    if (error instanceof Failure) {
      const remedy =
        error.code === 'no-permission' ? 'the same as root, or as the user of the agent' : 'locksmith check';
      terminal.err(`locksmith: ${error.message} (${error.code})\nTry: ${remedy}\n`);
      return EXIT.failed;
    }
    throw error;
  }
}
