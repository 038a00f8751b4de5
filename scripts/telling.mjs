// How a demo is told: chapters, commands as they are typed, and claims, each of them checked. The first one that is not so ends it
// with exit code 1.
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { CONFIG, endingWith, openTrial, PATIENCE_MS } from './trial.mjs';

const startedMs = performance.now();
const seconds = () => ((performance.now() - startedMs) / 1000).toFixed(1);

export const say = (text) => process.stdout.write(`${text}\n`);
export const chapter = (text) => say(`\n[${seconds().padStart(4)} s] ${text}`);
export const notTrue = (text, found) => new Error(`not true: ${text}. Found: ${found}`);

/** Says what is so, once it is so; throws what was found instead if it does not come to be so in time. */
export async function claim(text, look, withinMs = PATIENCE_MS) {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found === true) return say(`         ok: ${text}`);
    if (performance.now() > untilMs) throw notTrue(text, found);
    await pause(100);
  }
}

/** True, or what was found instead of what was expected. */
export const same = (found, expected) =>
  JSON.stringify(found) === JSON.stringify(expected)
    ? true
    : `${JSON.stringify(found)}, not ${JSON.stringify(expected)}`;

/** The device's own word on what runs, what was tried and what waits. */
export function asker(trial, devices) {
  const of = (id) => devices.find((device) => device.id === id);
  const status = (id) => trial.read(['status', '--settings', of(id).settings]);
  const report = async (id) => (await status(id)).configs[CONFIG];
  const history = (id) => trial.read(['history', CONFIG, '--settings', of(id).settings]);
  const lock = (id) => trial.read(['locks', CONFIG, '--settings', of(id).settings]);
  const isOnDisk = (ids, text) => {
    const others = ids.filter((id) => readFileSync(of(id).file, 'utf8') !== text);
    return others.length === 0 ? true : `other content on ${others.join(', ')}`;
  };
  /** What changes when somebody writes: another inode, or another time. */
  const stamp = (id) => {
    const { ino, mtimeNs } = statSync(of(id).file, { bigint: true });
    return `inode ${ino} of ${mtimeNs}`;
  };
  return { of, status, report, history, lock, isOnDisk, stamp };
}

/** An operator's command: told as it is typed, its words as they come. */
export function operate(trial, args) {
  say(`         $ locksmith ${args.join(' ')}`);
  return trial.start(args, (line) => say(`           ${line}`));
}

/** Runs an operator's command to its end. */
export async function operated(trial, args) {
  const program = operate(trial, args);
  const { code, why } = await program.ended;
  if (code !== 0) throw notTrue(`locksmith ${args[0]} is done`, why);
  return program;
}

/** Runs a demo to its end, and this process with it. */
export async function run(tell) {
  const trial = openTrial('demo');
  const { code = 130, error } = await endingWith(trial, () => tell(trial));
  if (error !== undefined) {
    process.stderr.write(`demo: ${error.message}\nTry: ./scripts/setup, then again; if it stays so, it is a bug\n`);
  } else if (code === 0) {
    say(`\nAll of it really happened, in ${seconds()} s. Nothing of it is left.`);
  }
  process.exit(error === undefined ? code : 1);
}
