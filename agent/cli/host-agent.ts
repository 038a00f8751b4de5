import { type Agent, openAgent } from '../agent.ts';
import { BUILD } from '../build.ts';
import { hostChance, sha256 } from '../host/chance.ts';
import { hostClock } from '../host/clock.ts';
import { type ControlServer, serveControl } from '../host/control.ts';
import { hostFiles } from '../host/files.ts';
import { createJournal } from '../host/journal.ts';
import { copyXattrs, hostKernelLocks } from '../host/libc.ts';
import { hostLog } from '../host/log.ts';
import { hostParsers } from '../host/parsers.ts';
import { hostProcesses } from '../host/processes.ts';
import { hostTargets } from '../host/targets.ts';
import type { Trace } from '../ports.ts';
import type { Settings } from '../settings-schema.ts';
import { EXIT } from '../values/errors.ts';

/** How an agent is put on this machine. */
export interface HostAgentOptions {
  /** False: documents come from files only, no link and no control socket. */
  readonly broker: boolean;
  /** Where log lines go besides the log file. */
  readonly echo: (line: string) => void;
  /** Called before every system call of an effect. */
  readonly trace?: Trace;
}

function isApply(request: unknown): request is { readonly do: 'apply'; readonly document: string } {
  return (
    typeof request === 'object' &&
    request !== null &&
    'do' in request &&
    request.do === 'apply' &&
    'document' in request &&
    typeof request.document === 'string'
  );
}

/** Builds the agent on the real files, locks, clock and broker of this machine. */
export async function openHostAgent(settings: Settings, options: HostAgentOptions): Promise<Agent> {
  const { trace = () => {} } = options;
  const { state, run } = settings.paths;
  const clock = hostClock();
  const files = hostFiles(trace);
  const log = hostLog({ path: `${state}/log`, level: settings.log.level, echo: options.echo, nowMs: clock.wallMs });
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
  const agent = openAgent(settings, {
    files,
    targets: hostTargets({ trace, copyAttributes: copyXattrs }),
    kernel: hostKernelLocks({ trace }),
    processes: hostProcesses(),
    clock,
    chance: hostChance,
    sha256,
    log,
    parsers: hostParsers,
    broker: options.broker ? (await import('../host/mqtt.ts')).mqttBroker : null,
    journal,
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
      control = await serveControl(`${run}/control.sock`, async (request) =>
        isApply(request) ? agent.apply(request.document) : { error: 'the agent does not know this request' },
      );
    },
    async stop(reason) {
      control?.close();
      await agent.stop(reason);
    },
  };
}
