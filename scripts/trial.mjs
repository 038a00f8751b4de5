// What start and the demos have in common: a temporary directory with devices in it, processes of the built program, and an end that
// leaves nothing behind.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SAMPLE = join(ROOT, 'docs', 'sample');

/** The built program. */
export const LOCKSMITH = join(ROOT, 'dist', 'locksmith.js');
export const CONFIG = 'aim_lock_config';
export const FILE = 'aim_lock_config.conf';

/** How long a process is asked to leave before it is made to. Milliseconds. */
const LEAVE_MS = 10_000;
/** How long anything may take that is waited for, on a busy machine. Milliseconds. */
export const PATIENCE_MS = 20_000;

/** The sample file with some of its values changed. */
export function sampleWith(changes) {
  const text = readFileSync(join(SAMPLE, FILE), 'utf8');
  return Object.entries(changes).reduce((now, [key, value]) => {
    const line = new RegExp(`^${key} = .*$`, 'm');
    if (!line.test(now)) throw new Error(`${FILE} has no ${key}`);
    return now.replace(line, `${key} = ${value}`);
  }, text);
}

/** The last words of a program, short enough to be read. */
export const lastWords = (lines) =>
  lines
    .slice(-20)
    .map((line) => line.slice(0, 300))
    .join('\n');

/** A program whose lines can be awaited. `onLine` gets each line on either stream. */
function follow(child, onLine) {
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    let tail = '';
    stream.setEncoding('utf8').on('data', (text) => {
      const parts = (tail + text).split('\n');
      tail = parts.pop();
      for (const line of parts) {
        lines.push(line);
        onLine(line);
      }
    });
  }
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: null, why: error.message }));
    child.on('close', (code, signal) => resolve({ code, why: signal ?? `exit code ${code}` }));
  });
  const end = { value: null };
  void ended.then((value) => {
    end.value = value;
  });
  return {
    pid: child.pid,
    lines,
    ended,
    hasEnded: () => end.value !== null,
    stop: (signal = 'SIGTERM') => child.kill(signal),
    /** The first line that matches; throws if the program ends first, or takes too long. */
    async line(pattern, withinMs = PATIENCE_MS) {
      const untilMs = performance.now() + withinMs;
      for (;;) {
        const found = lines.find((line) => pattern.test(line));
        if (found !== undefined) return found;
        if (end.value !== null || performance.now() > untilMs) {
          const why = end.value === null ? `${withinMs / 1000} s have passed` : `it ended (${end.value.why})`;
          throw new Error(`waited for ${pattern}, but ${why}. It said:\n${lastWords(lines)}`);
        }
        await pause(20);
      }
    },
  };
}

/** Opens a trial: a directory of its own under the system's temporary one. `end()` ends all its processes and removes it. */
export function openTrial(name) {
  // A directory that everybody may write to would be refused for a config, and so would a path with a symlink in it.
  process.umask(process.umask() | 0o022);
  const dir = mkdtempSync(join(realpathSync(tmpdir()), `locksmith-${name}-`));
  const programs = new Set();
  const env = { ...process.env, NO_COLOR: '1', XDG_STATE_HOME: join(dir, 'operator') };
  const open = { is: true };

  const trial = {
    dir,
    env,
    /** Starts `locksmith ARGS`. Not in our process group: Ctrl-C is for us to pass on, once. */
    start(args, onLine = () => {}) {
      if (!open.is) throw new Error('the trial is over');
      const child = spawn(process.execPath, [LOCKSMITH, ...args], {
        cwd: dir,
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const program = follow(child, onLine);
      programs.add(program);
      void program.ended.then(() => programs.delete(program));
      return program;
    },
    /** Runs `locksmith ARGS` to its end; its lines. Throws unless the exit code is 0. */
    async run(args) {
      const program = trial.start(args);
      const { code, why } = await program.ended;
      if (code !== 0) throw new Error(`locksmith ${args.join(' ')}: ${why}\n${lastWords(program.lines)}`);
      return program.lines;
    },
    /** What `locksmith ARGS --json` prints. */
    async read(args) {
      const lines = await trial.run([...args, '--json']);
      return JSON.parse(lines.find((line) => /^[[{]/.test(line)) ?? 'null');
    },
    /** Makes the operator's key, and tells every later command of it. */
    async makeKey() {
      await trial.run(['keys', 'new', 'ops', '--out', dir]);
      env.LOCKSMITH_KEY = join(dir, 'ops.key.json');
      return env.LOCKSMITH_KEY;
    },
    /** Puts a device into `home`: the sample config with its schema, and settings. `more` of them comes right after the config. */
    makeDevice({ id, groups, url, home, more = '' }) {
      if (!open.is) throw new Error('the trial is over');
      for (const part of ['etc', 'state', 'run']) mkdirSync(join(home, part), { recursive: true });
      const paths = { file: join(home, 'etc', FILE), schema: join(home, 'etc', `${CONFIG}.schema.json`) };
      copyFileSync(join(SAMPLE, FILE), paths.file);
      copyFileSync(join(SAMPLE, `${CONFIG}.schema.json`), paths.schema);
      const settings = join(home, 'agent.yaml');
      const text = `device: { id: ${id}, groups: [${groups.join(', ')}] }
broker: { urls: [${JSON.stringify(url)}] }
trust: { keys: ${JSON.stringify(join(dir, 'ops.pub.json'))} }
paths: { state: ${JSON.stringify(join(home, 'state'))}, run: ${JSON.stringify(join(home, 'run'))} }
configs:
  ${CONFIG}:
    files:
      - { path: ${JSON.stringify(paths.file)}, format: ini, schema: ${JSON.stringify(paths.schema)} }
${more}`;
      writeFileSync(settings, text);
      return { id, groups, settings, ...paths, state: join(home, 'state'), log: join(home, 'state', 'log') };
    },
    /** Starts the agent of a device; resolves when it is connected, to the program and the address of its broker. */
    async startAgent(device, onLine = () => {}) {
      const agent = trial.start(['run', '--settings', device.settings], onLine);
      const line = await agent.line(/connected and subscribed/);
      return { agent, url: /mqtts?:\/\/[^\s]*\d/.exec(line)?.[0] };
    },
    async end() {
      if (!open.is) return;
      open.is = false;
      const left = [...programs];
      for (const program of left) program.stop();
      const all = Promise.all(left.map(({ ended }) => ended));
      await Promise.race([all, pause(LEAVE_MS, undefined, { ref: false })]);
      for (const program of left) program.stop('SIGKILL');
      await all;
      rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  return trial;
}

/** Runs `work`, and ends the trial whatever becomes of it; the exit code is what `work` gives, 1 if it throws, 130 after a signal. */
export async function endingWith(trial, work) {
  const interrupted = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve({ signal }));
    // The reader of our words has gone; there is nobody to tell anything.
    process.stdout.on('error', () => resolve({ signal: 'SIGPIPE' }));
  });
  const done = (async () => {
    try {
      return { code: await work(interrupted) };
    } catch (error) {
      return { error };
    }
  })();
  const end = await Promise.race([done, interrupted]);
  await trial.end();
  return end;
}
