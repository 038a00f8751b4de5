import { accessSync, constants } from 'node:fs';
import type { HookEnd, Hooks } from '../ports/hooks.ts';
import type { Trace } from '../ports/world.ts';
import { errnoOf } from '../values/errno.ts';
import { harmless } from '../values/printable.ts';

/** How much of what a hook says is kept: its end, where programs tell what was wrong. */
const OUTPUT_MAX_BYTES = 4096;
/** How much of that goes into words. */
const WORDS_MAX = 300;
/** From asking a process group to end to ending it. */
const GRACE_MS = 500;
/** All that a hook finds in its environment. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/',
  LANG: 'C.UTF-8',
};
/** Takes the capabilities from what it starts, which also dies with us. Source: util-linux. */
const SETPRIV = ['--pdeathsig', 'KILL', '--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all'];
/** Besides, for root: who would get them all back. */
const SETPRIV_ROOT = ['--bounding-set=-all'];
const SETPRIV_PATHS = ['/usr/bin/setpriv', '/bin/setpriv'];
/** How setpriv ends, and what it says first, where it could not start the program. Source: util-linux, exitcodes.h. */
const SETPRIV_CODES: readonly (number | null)[] = [126, 127];
const SETPRIV_SAYS = /^setpriv: (.*)/;
const STOPPED: HookEnd = { kind: 'stopped', words: 'was ended before it had answered' };

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where a program is: a path as it is, a name by the search path of hooks; null if nowhere. */
function findProgram(name: string): string | null {
  const paths = name.includes('/') ? [name] : ENVIRONMENT.PATH.split(':').map((dir) => `${dir}/${name}`);
  return paths.find(isExecutable) ?? null;
}

/** What a hook said, in one line: its end. */
function lastWords(output: string): string {
  const line = output.trim().split('\n').slice(-3).join(' / ');
  return line === '' ? '' : `: ${harmless(line.slice(-WORDS_MAX), WORDS_MAX)}`;
}

/** Hooks on this machine. `trace` is told of each before it starts and after it has ended. */
export function hostHooks(trace: Trace = () => {}): Hooks {
  /** What is asked right now; null once nothing is asked any more. */
  let running: Set<() => void> | null = new Set();
  const within = <T>(ms: number, late: T, start: (end: (value: T | HookEnd) => void) => () => void) =>
    new Promise<T | HookEnd>((resolve) => {
      const state = { over: false, cut: () => {} };
      const end = (value: T | HookEnd) => {
        if (state.over) return;
        state.over = true;
        running?.delete(leave);
        clearTimeout(timer);
        state.cut();
        resolve(value);
      };
      const leave = () => end(STOPPED);
      const timer = setTimeout(() => end(late), ms);
      running?.add(leave);
      state.cut = start(end);
      if (state.over) state.cut();
    });
  const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;

  return {
    async run(op, argv, withinMs, cut = () => () => {}) {
      if (running === null) return STOPPED;
      const [name = '', ...rest] = argv;
      const program = findProgram(name);
      if (program === null) return { kind: 'not-started', words: `${harmless(name, 128)}: there is no such program` };
      const setpriv = SETPRIV_PATHS.find(isExecutable);
      if (setpriv === undefined) {
        return {
          kind: 'not-started',
          words: 'setpriv (util-linux) is not there, and a hook gets none of our capabilities',
        };
      }
      const { spawn } = await import('node:child_process');
      trace(op, 'start');
      const without = process.geteuid?.() === 0 ? [...SETPRIV, ...SETPRIV_ROOT] : SETPRIV;
      const child = spawn(setpriv, [...without, '--', program, ...rest], {
        cwd: '/',
        env: ENVIRONMENT,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          output = (output + text).slice(-OUTPUT_MAX_BYTES);
        });
      }
      const signal = (which: 'SIGTERM' | 'SIGKILL') => {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, which);
        } catch {
          // The group is gone.
        }
      };
      const exited = new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        child.once('error', () => resolve());
      });
      const ended = await within<HookEnd | 'late'>(withinMs, 'late', (end) => {
        child.once('error', (error) => end({ kind: 'not-started', words: `cannot be started: ${error.message}` }));
        child.once('exit', (code, by) => {
          // What was said last may still be in the pipe; whoever else has the pipe may keep it open for ever.
          setImmediate(() => {
            const how = code === null ? `was ended by ${by}` : `ended with ${code}`;
            const [, whyNot] = (SETPRIV_CODES.includes(code) && SETPRIV_SAYS.exec(output)) || [];
            if (whyNot !== undefined)
              end({ kind: 'not-started', words: `cannot be started: ${harmless(whyNot, WORDS_MAX)}` });
            else end({ kind: code === 0 ? 'good' : 'bad', words: `${how}${lastWords(output)}` });
          });
        });
        return cut(() => end(STOPPED));
      });
      if (ended === 'late' || ended === STOPPED) {
        signal('SIGTERM');
        await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, GRACE_MS))]);
        signal('SIGKILL');
        await exited;
      }
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      trace(op, 'end');
      if (ended !== 'late') return ended;
      return { kind: 'bad', words: `was not done within ${seconds(withinMs)} and was ended${lastWords(output)}` };
    },
    async http(op, url, withinMs) {
      const { get } = url.startsWith('https:') ? await import('node:https') : await import('node:http');
      trace(op, 'start');
      if (running === null) return STOPPED;
      return within<HookEnd>(
        withinMs,
        { kind: 'bad', words: `${url} did not answer within ${seconds(withinMs)}` },
        (end) => {
          const request = get(url, { agent: false, headers: { connection: 'close' } }, (answer) => {
            answer.destroy();
            const { statusCode = 0 } = answer;
            const good = statusCode >= 200 && statusCode < 300;
            end({ kind: good ? 'good' : 'bad', words: `${url} answered ${statusCode}` });
          });
          request.on('error', (error) => end({ kind: 'bad', words: `${url}: ${errnoOf(error) ?? error.message}` }));
          return () => request.destroy();
        },
      );
    },
    async tcp(op, address, withinMs) {
      const { connect } = await import('node:net');
      const cut = address.lastIndexOf(':');
      const [host, port] = [address.slice(0, cut).replace(/^\[|\]$/g, ''), Number(address.slice(cut + 1))];
      trace(op, 'start');
      if (running === null) return STOPPED;
      return within<HookEnd>(
        withinMs,
        { kind: 'bad', words: `${address} did not answer within ${seconds(withinMs)}` },
        (end) => {
          const socket = connect({ host, port }, () => {
            socket.destroy();
            end({ kind: 'good', words: `${address} answers` });
          });
          socket.on('error', (error) => end({ kind: 'bad', words: `${address}: ${errnoOf(error) ?? error.message}` }));
          return () => socket.destroy();
        },
      );
    },
    stop() {
      for (const leave of [...(running ?? [])]) leave();
      running = null;
    },
  };
}
