#!/usr/bin/env node
import type { Terminal } from './cli/command.ts';
import { main } from './main.ts';
import { EXIT } from './values/errors.ts';

const argv = process.argv.slice(2);

// Who reads our output may leave early (`| head`): a command then ends without a word, the daemon goes on.
process.stdout.on('error', () => {
  if (argv[0] !== 'run') process.exit();
});
process.stderr.on('error', () => {});

/** A terminal says how wide it is; for a pipe, `COLUMNS` may. */
function columns(): number | null {
  if (process.stdout.isTTY === true) return process.stdout.columns;
  const said = Number(process.env.COLUMNS);
  return Number.isInteger(said) && said > 0 ? said : null;
}

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  live: process.stderr.isTTY === true,
  colour: process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '',
  columns: columns(),
  env: process.env,
};

// Left to itself, Node would show the line of the bundle it happened in: half a megabyte.
const onBug = (error: unknown): never => {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err(`locksmith: a bug of ours: ${what}\nTry: again; if it stays so, tell its makers all of this\n`);
  process.exit(EXIT.failed);
};
process.on('uncaughtException', onBug);

// Timers of ours do not keep a process alive; a command that waits for nothing else must still come to its end.
const alive = setInterval(() => {}, 2 ** 30);
process.exitCode = await main(argv, terminal).catch(onBug);
clearInterval(alive);
// Whatever may still be open, a daemon that has said its last word is gone, so that systemd can start another.
if (argv[0] === 'run') process.exit();
