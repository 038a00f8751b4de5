import { readFileSync } from 'node:fs';
import { type Agent, openAgent } from '../agent.ts';
import { BUILD } from '../build.ts';
import { hostChance, sha256 } from '../host/chance.ts';
import { hostClock } from '../host/clock.ts';
import { type ControlServer, serveControl } from '../host/control.ts';
import { hostCron } from '../host/cron.ts';
import { hostDevices } from '../host/devices.ts';
import { hostEd25519 } from '../host/ed25519.ts';
import type { EmbeddedBroker } from '../host/embedded.ts';
import { hostFetch } from '../host/fetch.ts';
import { hostFiles } from '../host/files.ts';
import { toOwnerOfDirectory } from '../host/heir.ts';
import { hostHooks } from '../host/hooks.ts';
import { intervalsBy } from '../host/intervals.ts';
import { createJournal } from '../host/journal.ts';
import { fixedFinder, hostKernelLocks, xattrCopier } from '../host/libc.ts';
import { hostLog } from '../host/log.ts';
import { hostParsers } from '../host/parsers.ts';
import { hostProcesses } from '../host/processes.ts';
import { hostSensors } from '../host/sensors.ts';
import { adaptiveSync } from '../host/sync.ts';
import { systemdJournal, systemdSupervisor } from '../host/systemd.ts';
import { hostTargets } from '../host/targets.ts';
import { tcpQueued } from '../host/tcp-queue.ts';
import { hostUnits } from '../host/units.ts';
import { hostViews } from '../host/view.ts';
import { hostWatchDir } from '../host/watches.ts';
import type { Log } from '../ports/log.ts';
import type { Trace } from '../ports/world.ts';
import type { Settings } from '../settings-schema.ts';
import type { GoBackWish } from '../update/going-back.ts';
import type { DespiteHalt } from '../update/line.ts';
import { EXIT } from '../values/errors.ts';
import { harmless } from '../values/printable.ts';
import { wiresFor } from './wires.ts';

/** How an agent is put on this machine. */
export interface HostAgentOptions {
  /** False: documents come from files only, no link and no control socket. */
  readonly broker: boolean;
  /** Where log lines go besides the log file. */
  readonly echo: (line: string) => void;
  /** Says whether systemd has started this process, and how to reach it. Absent: it has not. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Called before every system call of an effect. */
  readonly trace?: Trace;
}

function isPing(request: unknown): boolean {
  return typeof request === 'object' && request !== null && 'do' in request && request.do === 'ping';
}

function isVehicle(request: unknown): boolean {
  return typeof request === 'object' && request !== null && 'do' in request && request.do === 'vehicle';
}

/** A signed update from a file, as the daemon is asked to take it. */
interface ApplyRequest {
  readonly do: 'apply';
  readonly document: string;
  readonly despite_halt?: DespiteHalt;
}

function isDespiteHalt(value: unknown): value is DespiteHalt {
  const isText = (text: unknown) => typeof text === 'string' && harmless(text, 256) === text;
  return (
    typeof value === 'object' &&
    value !== null &&
    'who' in value &&
    isText(value.who) &&
    'reason' in value &&
    isText(value.reason)
  );
}

function isApply(request: unknown): request is ApplyRequest {
  return (
    typeof request === 'object' &&
    request !== null &&
    'do' in request &&
    request.do === 'apply' &&
    'document' in request &&
    typeof request.document === 'string' &&
    (!('despite_halt' in request) || isDespiteHalt(request.despite_halt))
  );
}

function isClockReset(request: unknown): request is { readonly who: string; readonly reason: string } {
  return (
    typeof request === 'object' &&
    request !== null &&
    'do' in request &&
    request.do === 'reset-clock-floor' &&
    'who' in request &&
    typeof request.who === 'string' &&
    'reason' in request &&
    typeof request.reason === 'string'
  );
}

function isGoBack(request: unknown): request is GoBackWish {
  if (typeof request !== 'object' || request === null || !('do' in request) || request.do !== 'go-back') return false;
  if (!('config' in request && 'by' in request && 'reason' in request && 'undo' in request)) return false;
  const { config, by, reason, undo } = request;
  return [config, by, reason].every((one) => typeof one === 'string') && typeof undo === 'boolean';
}

/** The port brokers are expected on; the embedded one takes any other if it is not free. */
const MQTT_PORT = 1883;

/** Starts the embedded broker where the settings ask for it; gives the settings with its address in them. */
async function withEmbedded(
  given: Settings,
  log: Log,
): Promise<{ settings: Settings; embedded: EmbeddedBroker | null }> {
  if (!given.broker.urls.includes('embedded')) return { settings: given, embedded: null };
  const { startEmbedded } = await import('../host/embedded.ts');
  const embedded = await startEmbedded(MQTT_PORT).catch(() => startEmbedded());
  log.say('notice', `embedded broker on ${embedded.url}: for trying things out, it forgets everything when it ends`);
  return { settings: { ...given, broker: { ...given.broker, urls: [embedded.url] } }, embedded };
}

/** Builds the agent on the real files, locks, clock and broker of this machine. */
export async function openHostAgent(given: Settings, options: HostAgentOptions): Promise<Agent> {
  const { trace = () => {}, env = {} } = options;
  const { state, run } = given.paths;
  const ca = given.trust.https_ca;
  const clock = hostClock();
  const sync = adaptiveSync();
  const bequeath = toOwnerOfDirectory;
  const files = hostFiles(trace, sync, bequeath);
  files.makeDir('log.append', state, 0o750);
  const entry = systemdJournal(env) ?? undefined;
  const level = given.log.level;
  const log = hostLog({ path: `${state}/log`, level, echo: options.echo, entry, nowMs: clock.wallMs, bequeath });
  const onFatal = (error: unknown) => {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.say('error', `cannot go on: ${why}`);
    process.exit(EXIT.failed);
  };
  const journal = createJournal({
    files,
    sha256,
    path: `${state}/journal`,
    onLost: onFatal,
    onTrouble: (failure) => log.say('warning', `the journal cannot be shortened: ${failure.message}`),
  });
  const telemetry = createJournal({
    ...{ files, sha256, path: `${state}/telemetry` },
    // Only the last seconds of telemetry are at stake: the rest goes on, and tells what is not kept.
    onLost: (error) => log.say('error', `telemetry is kept in RAM alone until the next start: ${error}`),
    onTrouble: (failure) => log.say('warning', `what telemetry keeps cannot be shortened: ${failure.message}`),
  });
  const { settings, embedded } = options.broker ? await withEmbedded(given, log) : { settings: given, embedded: null };
  const agent = openAgent(settings, {
    files,
    fetch: hostFetch(ca === undefined ? {} : { ca: () => readFileSync(ca, 'utf8') }),
    targets: hostTargets({ trace, copyAttributes: xattrCopier(), whyFixed: fixedFinder(), sync }),
    kernel: hostKernelLocks({ trace, bequeath }),
    processes: hostProcesses(),
    units: hostUnits(),
    hooks: hostHooks(trace),
    supervisor: options.broker ? (systemdSupervisor(env) ?? undefined) : undefined,
    watchDir: hostWatchDir,
    openView: hostViews(files, trace),
    cron: hostCron(clock),
    clock,
    chance: hostChance,
    sha256,
    ed25519: hostEd25519(),
    log,
    parsers: hostParsers,
    sensors: hostSensors(state, hostDevices()),
    wires: await wiresFor(settings),
    broker: options.broker ? (await import('../host/mqtt.ts')).mqttBrokerBy(intervalsBy(clock)) : null,
    queued: tcpQueued(),
    journal,
    telemetry,
    version: BUILD.version,
    builtAtMs: BUILD.builtAtMs,
    onFatal,
  });
  if (!options.broker) return agent;

  let control: ControlServer | null = null;
  return {
    ...agent,
    async start() {
      await agent.start();
      control = await serveControl(`${run}/control.sock`, async (request) => {
        if (isPing(request)) return { pid: process.pid, version: BUILD.version };
        if (isClockReset(request)) return agent.resetClockFloor(request.who, request.reason);
        if (isVehicle(request)) return agent.vehicle();
        if (isGoBack(request)) return agent.goBack(request);
        if (!isApply(request)) return { error: 'the agent does not know this request' };
        return agent.apply(request.document, request.despite_halt);
      });
    },
    async stop(reason) {
      control?.close();
      await agent.stop(reason);
      await embedded?.close();
    },
  };
}
