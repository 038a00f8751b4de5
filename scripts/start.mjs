// A device on trial: an agent on its own broker with a sample config, until Ctrl-C. `scripts/start` sets up and runs this.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG, endingWith, FILE, LOCKSMITH, lastWords, openTrial, sampleWith } from './trial.mjs';

const say = (text) => process.stdout.write(`${text}\n`);
/** A word of a shell command, quoted where it has to be. */
const word = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** A file to push, in a directory of its own because a config's file keeps its name. */
function makeChange(dir, changes) {
  mkdirSync(dir);
  const path = join(dir, FILE);
  writeFileSync(path, sampleWith(changes));
  return path;
}

/** `locksmith` with the broker, the key and the used versions of this trial, so that nothing of it ends up in anybody's home. */
function makeWrapper(trial) {
  const path = join(trial.dir, 'locksmith');
  const names = ['LOCKSMITH_BROKER', 'LOCKSMITH_KEY', 'XDG_STATE_HOME'];
  const lines = names.map((name) => `export ${name}=${word(trial.env[name])}`);
  writeFileSync(path, ['#!/bin/sh', ...lines, `exec ${word(process.execPath)} ${word(LOCKSMITH)} "$@"`, ''].join('\n'));
  chmodSync(path, 0o755);
  return word(path);
}

async function start(trial, interrupted) {
  const key = await trial.makeKey();
  const device = trial.makeDevice({ id: 'drone-7', groups: ['canary'], url: 'embedded', home: trial.dir });
  const talk = { isOn: false };
  const { agent, url } = await trial.startAgent(device, (line) => talk.isOn && say(line));
  trial.env.LOCKSMITH_BROKER = url;
  const locksmith = makeWrapper(trial);
  const settings = `--settings ${word(device.settings)}`;
  const push = (changes, name) =>
    `${locksmith} push ${CONFIG} ${word(makeChange(join(trial.dir, name), changes))} --to dev/${device.id} --wait 1`;

  say(`
Locksmith on trial: device ${device.id} with a config, ${FILE}, and a broker of its own.

  config    ${device.file}
  broker    ${url}  (embedded: it forgets everything when it ends)
  key       ${key}  (signs; the device trusts its public half)
  settings  ${device.settings}
  state     ${device.state}
  log       ${device.log}

ready: ${device.id} is connected and subscribed

Three commands to try, in another terminal:

1. Push a change. The device checks who signed it, looks at its lock, puts it in place whole and reports.
${push({ hold_ms: 800 }, 'first')}

2. Hold the lock for 6 seconds and push again. The device refuses (lock mismatch), and applies it by itself once the lock is free.
${locksmith} hold ${CONFIG} --for 6s --reason calibration ${settings} && ${push({ hold_ms: 900 }, 'second')}

3. See what runs, and who has the lock.
${locksmith} status ${settings} && ${locksmith} locks ${CONFIG} ${settings}

Ctrl-C ends it and removes ${trial.dir}. Until then, this is the log of the device:
`);
  talk.isOn = true;
  const end = await Promise.race([interrupted, agent.ended]);
  if (end.signal !== undefined) return 0;
  throw new Error(`the agent ended by itself: ${end.why}\n${lastWords(agent.lines)}`);
}

const trial = openTrial('start');
const { code = 0, error } = await endingWith(trial, (interrupted) => start(trial, interrupted));
if (error !== undefined) process.stderr.write(`start: ${error.message}\nTry: ./scripts/setup, then again\n`);
process.exit(error === undefined ? code : 1);
