import { BUILD } from '../build.ts';
import { sha256 } from '../host/chance.ts';
import { hostClock } from '../host/clock.ts';
import { hostFiles } from '../host/files.ts';
import { replayJournal } from '../host/journal.ts';
import { hostKernelLocks } from '../host/libc.ts';
import { hostProcesses } from '../host/processes.ts';
import { createOutboxMemory } from '../link/outbox-memory.ts';
import { explainLock } from '../lock/explain.ts';
import { openLocks } from '../lock/room.ts';
import type { Files } from '../ports/files.ts';
import type { Settings } from '../settings-schema.ts';
import { beatAgeMs, readBeat, stateByBeat } from '../telemetry/beat.ts';
import type { Heartbeat } from '../telemetry/heartbeat.ts';
import type { StatusFile } from '../telemetry/pulse.ts';
import { createClockFloor } from '../trust/clock-floor.ts';
import { Failure } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import type { Reported } from '../values/report.ts';
import type { AgentState, Status } from '../values/status.ts';
import { rfc3339 } from '../values/units.ts';
import { readTrusted } from './trusted.ts';

function isStatusFile(value: unknown): value is StatusFile {
  return typeof value === 'object' && value !== null && 'link' in value && 'pid' in value && 'at' in value;
}

function readStatusFile(files: Files, path: string): StatusFile | null {
  const bytes = files.read('view.status', path, 1024 * 1024);
  if (bytes === null) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isStatusFile(value) ? value : null;
  } catch {
    // Somebody's hands: the daemon writes it anew with its next heartbeat.
    return null;
  }
}

/** Whether a daemon lives on this state: takes, for an instant, the lock that it would hold. Throws Failure. */
function isRunning(state: string, files: Files): 'running' | 'stopped' | 'unknown' {
  const path = `${state}/instance.lock`;
  try {
    if (files.stat('instance.lock', path) === null) return 'stopped';
    const kernel = hostKernelLocks();
    const file = kernel.open('instance.lock', path, { readOnly: true });
    const free = kernel.tryFlock('instance.lock', file);
    kernel.close('instance.lock', file);
    return free ? 'stopped' : 'running';
  } catch (error) {
    if (error instanceof Failure && error.code === 'no-permission') return 'unknown';
    throw error;
  }
}

function countersOf({ refused, dropped, ...outcomes }: Heartbeat['counters']): Status['counters'] {
  return { outcomes, refused, dropped };
}

/** Puts the status together from what is on disk: it needs no daemon and no network. Throws Failure for a disk that fails. */
export async function readStatus(settings: Settings): Promise<Status> {
  const files = hostFiles();
  const [clock, processes] = [hostClock(), hostProcesses()];
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
  // A daemon beats before it does anything else; what is hidden may be there.
  const neverBeat = hidden.length === 0 && files.stat('view.beat', `${run}/beat`) === null;
  const byBeat = beat === null ? null : stateByBeat(beat, processes.describe(beat.pid), clock);
  const byLock = isRunning(state, files);
  const agentState = ((): AgentState['state'] => {
    if (byLock === 'stopped') return 'stopped';
    if (byLock === 'unknown') return byBeat ?? (neverBeat ? 'stopped' : 'unknown');
    return byBeat === 'frozen' ? 'frozen' : 'running';
  })();
  if (agentState === 'unknown') hidden.push(`the daemon (${state}/instance.lock)`);
  const memory = createOutboxMemory();
  const floor = createClockFloor(clock, BUILD.builtAtMs);
  look('what runs', null, () => replayJournal(files, sha256, `${state}/journal`, [memory, floor]));

  const ports = { files, kernel: hostKernelLocks(), processes, clock, log: { say: () => {} } };
  const room = openLocks(ports, settings);
  const locks: Record<string, LockState> = {};
  const advice: Record<string, Status['advice'][string]> = {};
  for (const name of names) {
    try {
      const { lock, stale } = await room.lock(name).observe();
      locks[name] = lock;
      if (lock.state === 'HOT') advice[name] = explainLock(name, lock, stale, agentState === 'running');
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
  const isThere = agentState === 'running' || agentState === 'frozen';
  // The word of a daemon that is gone is no news: `locksmith apply` has the state to itself for a moment, too, and has nothing to say.
  const word = isThere && byBeat !== 'stopped' ? file : null;
  const said = agentState === 'frozen' ? null : word;
  const beatMs = beat === null ? null : beatAgeMs(beat, clock);
  const agent: AgentState = {
    state: agentState,
    pid: word?.pid ?? null,
    version: file?.version ?? null,
    since: word?.since ?? null,
    last_sign: file?.at ?? null,
    last_beat: beat?.at ?? null,
    last_beat_age_s: beatMs === null ? null : Math.floor(beatMs / 1000),
  };
  const beaten = file?.heartbeat ?? null;
  return {
    device: settings.device.id,
    clock: { trust: floor.trust(), now: rfc3339(clock.wallMs()), floor: rfc3339(floor.floorMs()) },
    agent,
    link: said?.link ?? null,
    sent_bytes_per_h: said?.heartbeat?.link.sent_bytes_per_h ?? null,
    // Of telemetry the last word holds without a daemon, too: nobody else sends it.
    backlog: { count: memory.pending.size, bytes: memory.pendingBytes(), telemetry: beaten?.backlog.telemetry ?? null },
    configs,
    locks,
    advice,
    trust_version: readTrusted(settings, null).trust,
    vehicle: said?.vehicle ?? null,
    machine: said?.heartbeat?.machine ?? null,
    counters: beaten === null ? null : countersOf(beaten.counters),
    hidden,
  };
}
