import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { hostProcesses } from '../host/processes.ts';
import type { HeldLock } from '../lock/held.ts';
import { errnoOf } from '../values/errno.ts';
import { EXIT, Failure, SaidError } from '../values/errors.ts';
import type { Holder } from '../values/lock.ts';
import { sayLock } from '../values/lock-words.ts';
import { parseDurationMs, sayDuration } from '../values/units.ts';
import { type Command, readArgs, SETTINGS_PATH, type Terminal } from './command.ts';
import { knownConfig, type LockDesk, openLockDesk } from './lock-room.ts';

/** Pause between two tries while `--wait` lasts. */
const TRY_EVERY_MS = 100;
/** Signals that are passed on to the command. */
const PASSED_ON = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
/** Signals a terminal sends to the command by itself. */
const FROM_TERMINAL: readonly string[] = ['SIGINT', 'SIGQUIT'];
/** What a shell says of a command that does not exist, or may not be run. */
const NO_COMMAND = 127;
const NOT_RUNNABLE = 126;

const OPTIONS = {
  settings: { type: 'string', default: SETTINGS_PATH },
  reason: { type: 'string' },
  for: { type: 'string' },
  wait: { type: 'string' },
  'exit-code': { type: 'string' },
} as const;

/** What was asked for. */
interface Order {
  readonly config: string;
  readonly reason: string | null;
  readonly forMs: number | null;
  readonly waitMs: number;
  readonly exitCode: number;
  /** Empty: a lease. */
  readonly argv: readonly string[];
}

function duration(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = parseDurationMs(text);
  if (ms !== null) return ms;
  throw new SaidError(
    EXIT.usage,
    `hold: --${name} ${text}: not a duration such as 90s, 10m or 4h`,
    'locksmith hold --help',
  );
}

function exitCode(text: string | undefined): number {
  if (text === undefined) return EXIT.refused;
  if (/^\d{1,3}$/.test(text) && Number(text) <= 255) return Number(text);
  throw new SaidError(EXIT.usage, `hold: --exit-code ${text}: not a number from 0 to 255`, 'locksmith hold --help');
}

const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/** Takes the lock, trying again while `--wait` lasts. Not got: {@link SaidError} that names the holder. */
async function take({ room }: LockDesk, order: Order): Promise<HeldLock> {
  const self = hostProcesses().self();
  const { pid, start, command, user, unit } = self;
  const lease = order.argv.length === 0;
  const holder: Holder = lease
    ? { pid: 0, start: null, command: null, user, unit: null }
    : { pid, start, command, user, unit };
  const kind = lease ? 'lease' : 'kernel';
  const giveUpAt = performance.now() + order.waitMs;
  for (;;) {
    const { reason, forMs } = order;
    const acquired = await room.lock(order.config).acquire({ kind, purpose: 'hold', holder, reason, forMs });
    if (acquired.kind === 'got') return acquired.held;
    const leftMs = giveUpAt - performance.now();
    if (leftMs <= 0) {
      const { lock } = acquired;
      throw new SaidError(
        order.exitCode,
        `hold: ${lock.file} ${lock.state} (${sayLock(lock, Date.now())})`,
        `locksmith locks ${order.config}`,
      );
    }
    await pause(Math.min(TRY_EVERY_MS, leftMs));
  }
}

/** Puts the command on record. Where that cannot be written the lock is held all the same: it must not be given back under a running command. */
async function name(held: HeldLock, pid: number | undefined, terminal: Terminal): Promise<void> {
  const info = pid === undefined ? null : hostProcesses().describe(pid);
  if (info === null) return;
  const { start, command, user, unit } = info;
  try {
    await held.name({ pid: info.pid, start, command, user, unit });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    terminal.err(`The lock is held, but who holds it could not be written down: ${error.message}\n`);
  }
}

/** Runs the command with the lock's descriptors open in it, and waits for its end. Returns its exit code as a shell tells it. */
async function runUnder(held: HeldLock, [file = '', ...args]: readonly string[], terminal: Terminal): Promise<number> {
  const running: { child: ChildProcess | null } = { child: null };
  const passOn = (signal: NodeJS.Signals) => {
    if (!(FROM_TERMINAL.includes(signal) && process.stdin.isTTY)) running.child?.kill(signal);
  };
  // Before the command is there: a signal that came right after it would end us and not it.
  for (const signal of PASSED_ON) process.on(signal, passOn);
  try {
    const child = spawn(file, args, { stdio: ['inherit', 'inherit', 'inherit', ...held.descriptors()] });
    running.child = child;
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
    const [code] = await Promise.all([ended, name(held, child.pid, terminal)]);
    return code;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'ENOENT' && errno !== 'EACCES') throw error;
    const code = errno === 'ENOENT' ? NO_COMMAND : NOT_RUNNABLE;
    throw new SaidError(
      code,
      `hold: ${file}: ${errno === 'ENOENT' ? 'not found' : 'may not be run'}`,
      `command -v ${file}`,
    );
  } finally {
    for (const signal of PASSED_ON) process.off(signal, passOn);
  }
}

/** `locksmith hold`. */
export const command: Command = {
  help: `Usage: locksmith hold NAME [--reason R] [--for D] [--wait D] [--exit-code N] [--settings FILE] -- CMD…
locksmith hold NAME --for D [--reason R]

Runs CMD with the lock of config NAME held, and exits with CMD's code (128 + signal). No update of NAME is applied meanwhile. CMD
inherits the lock, so it lasts to the end of CMD even if this command is killed. With a CMD, --for only turns the lock overdue.
Without a CMD it is a lease: it lasts until D is over or the device restarts.
  --reason R      what people and the fleet are told
  --for D         how long it is wanted, such as 90s, 10m, 4h
  --wait D        how long to try if somebody else has the lock; default: not at all
  --exit-code N   exit code if the lock was not got, to tell it from CMD's; default: 3

Example: locksmith hold aim_lock_config --reason calibration -- aim-calibrate --full`,
  async run(argv, terminal) {
    const end = argv.indexOf('--');
    const own = end === -1 ? argv : argv.slice(0, end);
    const { values, positionals } = readArgs('hold', own, OPTIONS, {
      min: 1,
      max: 1,
      names: 'one NAME, then -- and a command',
    });
    const forMs = duration('for', values.for);
    const under = end === -1 ? [] : argv.slice(end + 1);
    if (under.length === 0 && (end !== -1 || forMs === null)) {
      throw new SaidError(
        EXIT.usage,
        'hold: takes a command after --, or --for D for a lease',
        'locksmith hold --help',
      );
    }
    const order: Order = {
      config: positionals[0] ?? '',
      reason: values.reason ?? null,
      ...{ forMs, waitMs: duration('wait', values.wait) ?? 0, exitCode: exitCode(values['exit-code']), argv: under },
    };
    const desk = openLockDesk(values.settings, terminal);
    try {
      knownConfig('hold', desk.settings, values.settings, order.config);
      const held = await take(desk, order);
      if (!held.recorded && (order.reason !== null || forMs !== null)) {
        terminal.err('The lock is held, but only root can write down the reason and the time.\n');
      }
      try {
        if (under.length > 0) return await runUnder(held, under, terminal);
        if (forMs !== null) terminal.err(`${order.config} is held for ${sayDuration(forMs)}, token ${held.token}\n`);
        return EXIT.done;
      } finally {
        await held.release();
      }
    } finally {
      desk.close();
    }
  },
};
