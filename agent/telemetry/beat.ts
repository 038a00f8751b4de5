import type { Files, OpenView } from '../ports/files.ts';
import type { Log } from '../ports/log.ts';
import type { ProcessInfo } from '../ports/processes.ts';
import type { Clock } from '../ports/world.ts';
import type { AgentState } from '../values/status.ts';
import { messageOf } from '../values/thrown.ts';
import { rfc3339 } from '../values/units.ts';

/** What the file `beat` holds: the daemon's word that its locks, its line and its loop move. */
export interface Beat {
  /** RFC 3339 UTC, for people. */
  readonly at: string;
  readonly boot: string;
  /** On the boot-time clock, which no jump of the wall clock reaches. */
  readonly boot_ms: number;
  readonly pid: number;
  /** Start time of that process; a pid alone may be used again. */
  readonly start: number | null;
}

/** How old the last beat of a living daemon may be, in milliseconds. Reason: one comes every 10 s at most; three are not missed by chance. */
export const BEAT_MAX_MS = 30_000;

/** One is written no sooner after another. Reason: it costs as much as a look at the locks, and those move every 5 s. */
const PACE_MS = 8_000;

/** Each is as long as the last, also when a number has come to have more digits. */
const LENGTH = 160;

/** Largest beat file that is read: ours are far smaller. */
const FILE_MAX_BYTES = 64 * 1024;
/** How often one is read that changes each time. Reason: a beat comes every few seconds, and is written at one go. */
const READ_MAX = 5;

/** What a beat is written with. */
export interface BeatInput {
  readonly clock: Clock;
  readonly openView: OpenView;
  readonly log: Log;
  readonly path: string;
  readonly self: { readonly pid: number; readonly start: number | null };
}

/** Writes the beat, for whoever asks while nobody answers, unless the last is fresh. One that cannot be written is said once, until one can. */
export function createBeat({ clock, openView, log, path, self }: BeatInput): () => void {
  const state = { complained: false, writtenMs: Number.NEGATIVE_INFINITY };
  const put = openView('view.beat', path, 0o644);
  return () => {
    const { pid, start } = self;
    const nowMs = clock.bootMs();
    if (nowMs - state.writtenMs < PACE_MS) return;
    const beat: Beat = { at: rfc3339(clock.wallMs()), boot: clock.bootId, boot_ms: nowMs, pid, start };
    try {
      put(`${JSON.stringify(beat).padEnd(LENGTH)}\n`);
      Object.assign(state, { complained: false, writtenMs: nowMs });
    } catch (error) {
      if (!state.complained) log.say('warning', `no beat: ${messageOf(error)}`);
      state.complained = true;
    }
  };
}

/** Reads a beat file; null if there is none, or nothing that is one. Read until it says the same twice, for it is written in place. Throws Failure. */
export function readBeat(files: Pick<Files, 'read'>, path: string): Beat | null {
  let before: string | null = null;
  for (let tries = 0; tries < READ_MAX; tries += 1) {
    const bytes = files.read('view.beat', path, FILE_MAX_BYTES);
    const text = bytes === null ? null : new TextDecoder().decode(bytes);
    if (tries > 0 && text === before) break;
    before = text;
  }
  return before === null ? null : parseBeat(before);
}

/** What a beat file holds; null if it is none. Pure. */
export function parseBeat(text: string): Beat | null {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null) return null;
  if (!('at' in value && 'boot' in value && 'boot_ms' in value && 'pid' in value && 'start' in value)) return null;
  const { at, boot, boot_ms, pid, start } = value;
  if (typeof at !== 'string' || Number.isNaN(Date.parse(at)) || typeof boot !== 'string') return null;
  if (typeof boot_ms !== 'number' || typeof pid !== 'number') return null;
  return start === null || typeof start === 'number' ? { at, boot, boot_ms, pid, start } : null;
}

/** How long ago a beat was, in milliseconds: by the boot-time clock where it is of this boot. Pure. */
export function beatAgeMs(beat: Beat, clock: Pick<Clock, 'bootId' | 'bootMs' | 'wallMs'>): number {
  const ageMs = beat.boot === clock.bootId ? clock.bootMs() - beat.boot_ms : clock.wallMs() - Date.parse(beat.at);
  return Math.max(0, ageMs);
}

/**
 * Whether the daemon that wrote a beat lives and moves. `process`: what /proc says of its pid; null if there is none, and without a
 * start time if it hides from who asks: then only a fresh beat tells. Pure.
 */
export function stateByBeat(
  beat: Beat,
  process: Pick<ProcessInfo, 'start' | 'zombie'> | null,
  clock: Pick<Clock, 'bootId' | 'bootMs' | 'wallMs'>,
): AgentState['state'] {
  if (beat.boot !== clock.bootId || process === null || process.zombie) return 'stopped';
  const isCertain = process.start !== null && beat.start !== null;
  if (isCertain && process.start !== beat.start) return 'stopped';
  if (beatAgeMs(beat, clock) <= BEAT_MAX_MS) return 'running';
  return isCertain ? 'frozen' : 'unknown';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
