#!/usr/bin/env node
import type { Terminal } from './cli/command.ts';
import { main } from './main.ts';

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

process.exitCode = await main(argv, terminal);
// Whatever may still be open, a daemon that has said its last word is gone, so that systemd can start another.
if (argv[0] === 'run') process.exit();
