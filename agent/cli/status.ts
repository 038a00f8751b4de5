import { sha256 } from '../host/chance.ts';
import { hostClock } from '../host/clock.ts';
import { hostFiles } from '../host/files.ts';
import { replayJournal } from '../host/journal.ts';
import { hostKernelLocks } from '../host/libc.ts';
import { hostProcesses } from '../host/processes.ts';
import { createOutboxMemory } from '../link/outbox-memory.ts';
import { openLocks } from '../lock/room.ts';
import type { Files } from '../ports/files.ts';
import { readSettings } from '../settings.ts';
import type { Settings } from '../settings-schema.ts';
import { BEAT_MAX_MS, type Beat, beatAgeMs, parseBeat } from '../telemetry/beat.ts';
import type { StatusFile } from '../telemetry/pulse.ts';
import { EXIT, Failure } from '../values/errors.ts';
import type { LinkState } from '../values/link.ts';
import type { LockState } from '../values/lock.ts';
import { sayLock } from '../values/lock-words.ts';
import type { Reported } from '../values/report.ts';
import { sayDuration } from '../values/units.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';

/** Whether the daemon lives: by the lock it holds on its state, not by its word; and whether it moves: by its beat. */
interface AgentState {
  /** `frozen`: the process is there and does not move. */
  readonly state: 'running' | 'frozen' | 'stopped' | 'unknown';
  readonly pid: number | null;
  /** Of the daemon that runs, or ran last. */
  readonly version: string | null;
  readonly since: string | null;
  /** When it last wrote its status; null if it never did. */
  readonly last_sign: string | null;
  /** When its locks, its line and its loop last moved; null if that is not known. */
  readonly last_beat: string | null;
  /** How long ago that was, whatever the wall clock says. */
  readonly last_beat_age_s: number | null;
}

/** What `status` shows, and prints with --json. */
interface Status {
  readonly agent: AgentState;
  readonly link: LinkState | null;
  readonly configs: Readonly<Record<string, Reported>>;
  readonly locks: Readonly<Record<string, LockState>>;
  readonly vehicle: null;
  /** What could not be read, and why: root would see it. */
  readonly hidden: readonly string[];
}

function isStatusFile(value: unknown): value is StatusFile {
  return typeof value === 'object' && value !== null && 'link' in value && 'pid' in value && 'at' in value;
}

function readStatusFile(files: Files, path: string): StatusFile | null {
  const bytes = files.read('view.status', path, 1024 * 1024);
  if (bytes === null) return null;
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return isStatusFile(value) ? value : null;
}

function readBeat(files: Files, path: string): Beat | null {
  const bytes = files.read('view.beat', path, 64 * 1024);
  return bytes === null ? null : parseBeat(new TextDecoder().decode(bytes));
}

/** Takes the lock that a living daemon holds, for an instant. */
function isRunning(path: string, files: Files): 'running' | 'stopped' | 'unknown' {
  if (files.stat('instance.lock', path) === null) return 'stopped';
  const kernel = hostKernelLocks();
  try {
    const file = kernel.open('instance.lock', path, { readOnly: true });
    const free = kernel.tryFlock('instance.lock', file);
    kernel.close('instance.lock', file);
    return free ? 'stopped' : 'running';
  } catch (error) {
    if (error instanceof Failure && error.code === 'no-permission') return 'unknown';
    throw error;
  }
}

/** Puts the status together from what is on disk: it needs no daemon and no network. */
async function readStatus(settings: Settings): Promise<Status> {
  const files = hostFiles();
  const { state, run } = settings.paths;
  const names = Object.keys(settings.configs);
  const hidden: string[] = [];
  const look = <T>(what: string, fallback: T, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'no-permission') throw error;
      hidden.push(`${what} (${error.path})`);
      return fallback;
    }
  };
  const file = look('the link', null, () => readStatusFile(files, `${run}/status.json`));
  const beat = look('the beat', null, () => readBeat(files, `${run}/beat`));
  const running = look('the daemon', 'unknown' as const, () => isRunning(`${state}/instance.lock`, files));
  const memory = createOutboxMemory();
  look('what runs', null, () => replayJournal(files, sha256, `${state}/journal`, [memory]));
  const log = { say: () => {} };
  const [clock, processes] = [hostClock(), hostProcesses()];
  const room = openLocks({ files, kernel: hostKernelLocks(), processes, clock, log }, settings);
  const locks: Record<string, LockState> = {};
  for (const name of names) {
    try {
      locks[name] = (await room.lock(name).observe()).lock;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      hidden.push(`the lock of ${name} (${error.path}: ${error.code})`);
    }
  }
  room.close();
  const configs: Record<string, Reported> = {};
  for (const name of names) {
    const reported = memory.lastReported(name);
    if (reported !== null) configs[name] = reported;
  }
  const alive = running !== 'stopped';
  const beatMs = beat === null ? null : beatAgeMs(beat, clock);
  // Of that very process: `locksmith apply` has the state to itself for a moment, too, and does not beat.
  const isThere = beat !== null && processes.describe(beat.pid)?.start === beat.start;
  const isFrozen = running === 'running' && isThere && beatMs !== null && beatMs > BEAT_MAX_MS;
  return {
    agent: {
      state: isFrozen ? 'frozen' : running,
      pid: alive ? (file?.pid ?? null) : null,
      version: file?.version ?? null,
      since: alive ? (file?.since ?? null) : null,
      last_sign: file?.at ?? null,
      last_beat: beat?.at ?? null,
      last_beat_age_s: beatMs === null ? null : Math.floor(beatMs / 1000),
    },
    link: alive ? (file?.link ?? null) : null,
    configs,
    locks,
    vehicle: null,
    hidden,
  };
}

function ago(at: string | null, nowMs: number): string {
  return at === null ? 'never' : `${at.slice(0, 19).replace('T', ' ')} UTC, ${sayDuration(nowMs - Date.parse(at))} ago`;
}

/** The time of day in UTC, with its date where that is not obvious. */
function clockTime(at: string, ageMs: number): string {
  return ageMs < 86_400_000 ? at.slice(11, 19) : at.slice(0, 19).replace('T', ' ');
}

function sayAgent(agent: AgentState, nowMs: number): string {
  const { state, pid, version, since, last_beat, last_beat_age_s } = agent;
  const ageMs = (last_beat_age_s ?? 0) * 1000;
  const at = last_beat === null ? null : clockTime(last_beat, ageMs);
  const beat = at === null ? 'last beat never' : `last beat ${at}, ${sayDuration(ageMs)} ago`;
  switch (state) {
    case 'running':
      return `running ${version ?? ''}, pid ${pid ?? '?'}, since ${ago(since, nowMs)}`;
    case 'frozen': {
      const whom = `pid ${pid ?? '?'} is there and does not move`;
      return `frozen since ${at}, ${sayDuration(ageMs)} ago: ${whom}\n  try    systemctl restart locksmith-agent`;
    }
    case 'stopped':
      return `not running; ${beat}`;
    case 'unknown':
      return `not known without root; ${beat}`;
  }
}

function sayConfig(name: string, reported: Reported | undefined, nowMs: number): readonly string[] {
  if (reported === undefined) return [`config   ${name}: nothing known yet`];
  const { running, last_attempt: last, pending } = reported;
  const version =
    running.layer === null
      ? 'as it was before Locksmith'
      : `${running.layer} version ${running.version} for ${running.address}, since ${ago(running.since, nowMs)}`;
  const lines = [`config   ${name}: ${version}`];
  if (pending !== null) {
    const what = pending.id === null ? 'the return to what was before' : `version ${pending.version}`;
    lines.push(`  waits  ${what}, for ${pending.waiting_for.join(', ')}; it is applied by itself`);
  }
  if (last !== null && last.result !== 'applied') {
    const code = last.code === null || last.reason?.startsWith('lock mismatch') ? '' : ` (${last.code})`;
    lines.push(`  last   ${last.layer} version ${last.version} ${last.result}: ${last.reason}${code}`);
  }
  return lines;
}

function sayStatus(status: Status, names: readonly string[], nowMs: number): string {
  const lines = [`agent    ${sayAgent(status.agent, nowMs)}`];
  if (status.link !== null) {
    const remedy = status.link.remedy === null ? '' : `\n  try    ${status.link.remedy}`;
    lines.push(`link     ${status.link.words}, since ${ago(status.link.since, nowMs)}${remedy}`);
  }
  for (const name of names) {
    lines.push(...sayConfig(name, status.configs[name], nowMs));
    const lock = status.locks[name];
    if (lock !== undefined) {
      lines.push(`  lock   ${lock.file} ${lock.state}${lock.state === 'HOT' ? ` (${sayLock(lock, nowMs)})` : ''}`);
      if (lock.state === 'HOT') lines.push(`  try    locksmith locks ${name}`);
    }
  }
  if (status.hidden.length > 0) lines.push(`not seen without root: ${status.hidden.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

/** `locksmith status`. */
export const command: Command = {
  help: `Usage: locksmith status [--settings FILE] [--json]

Agent, link, configs and locks at a glance, on one screen. Reads the device's own files, so it works with the daemon dead
and without a network, and says since when: by the last beat of a daemon that is dead, or frozen. Times are UTC. Exit code: 0.

Example:
  locksmith status
`,
  async run(argv, terminal) {
    const { values } = readArgs(
      'status',
      argv,
      { settings: { type: 'string', default: SETTINGS_PATH }, json: { type: 'boolean', default: false } },
      { min: 0, max: 0, names: '' },
    );
    const settings = readSettings(values.settings);
    const status = await readStatus(settings);
    if (values.json) terminal.out(`${JSON.stringify(status)}\n`);
    else terminal.out(sayStatus(status, Object.keys(settings.configs), Date.now()));
    return EXIT.done;
  },
};
