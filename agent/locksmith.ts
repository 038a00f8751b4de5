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

const live = process.stderr.isTTY === true;
const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  live,
  colour: live && (process.env.NO_COLOR ?? '') === '',
  env: process.env,
};

// Left to itself, Node would show the line of the bundle it happened in: half a megabyte.
const onBug = (error: unknown): never => {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err(`locksmith: a bug of ours: ${what}\nTry: again; if it stays so, tell its makers all of this\n`);
  process.exit(EXIT.failed);
};
process.on('uncaughtException', onBug);

process.exitCode = await main(argv, terminal).catch(onBug);
// Whatever may still be open, a daemon that has said its last word is gone, so that systemd can start another.
if (argv[0] === 'run') process.exit();
