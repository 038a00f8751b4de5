import type { Command, Terminal } from './cli/command.ts';
import { EXIT, Failure, SaidError } from './values/errors.ts';

/** Every command, loaded only when it is asked for. */
const COMMANDS: Readonly<Record<string, { readonly does: string; load(): Promise<{ readonly command: Command }> }>> = {
  run: { does: 'the daemon', load: () => import('./cli/run.ts') },
  check: { does: 'looks whether settings, keys, schemas and paths are right', load: () => import('./cli/check.ts') },
  keys: { does: 'new: makes a key pair; list: shows what is in key files', load: () => import('./cli/keys.ts') },
  sign: { does: 'makes a signed update without a broker', load: () => import('./cli/sign.ts') },
  push: { does: 'signs an update and publishes it to the fleet', load: () => import('./cli/push.ts') },
  withdraw: { does: 'takes an update back', load: () => import('./cli/withdraw.ts') },
  status: { does: 'agent, link, configs and locks at a glance', load: () => import('./cli/status.ts') },
  apply: { does: 'a signed update from a file', load: () => import('./cli/apply.ts') },
  locks: { does: 'every lock: who has it, since when, and what to do', load: () => import('./cli/locks.ts') },
  hold: { does: 'runs a command with a lock held', load: () => import('./cli/hold.ts') },
  history: { does: 'every update and what became of it', load: () => import('./cli/history.ts') },
};

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
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === 'help') {
    terminal.out(helpText());
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  try {
    if (!Object.hasOwn(COMMANDS, name)) {
      throw new SaidError(EXIT.usage, `there is no command '${name}'`, 'locksmith --help');
    }
    const entry = COMMANDS[name];
    if (entry === undefined) return EXIT.usage;
    const { command } = await entry.load();
    const end = rest.indexOf('--');
    if ((end === -1 ? rest : rest.slice(0, end)).includes('--help')) {
      terminal.out(command.help.endsWith('\n') ? command.help : `${command.help}\n`);
      return EXIT.done;
    }
    return await command.run(rest, terminal);
  } catch (error) {
    if (error instanceof SaidError) {
      terminal.err(`locksmith: ${error.message}\nTry: ${error.remedy}\n`);
      return error.exit;
    }
    if (error instanceof Failure) {
      terminal.err(`locksmith: ${error.message} (${error.code})\nTry: locksmith check\n`);
      return EXIT.failed;
    }
    throw error;
  }
}
