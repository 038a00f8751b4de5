import { execFile } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { arch, cpus, freemem, hostname, loadavg, networkInterfaces, release, totalmem, uptime } from 'node:os';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { BUILD } from '../build.ts';
import { sha256 } from '../host/chance.ts';
import { isForEverybody } from '../host/everybody.ts';
import { mountOf } from '../host/mounts.ts';
import type { Settings } from '../settings-schema.ts';
import { Failure, SaidError } from '../values/errors.ts';
import { messageOf } from '../values/thrown.ts';
import type { Command, Terminal } from './command.ts';

/** One file of the bundle. */
export interface Part {
  readonly name: string;
  readonly text: string;
}

/** Longest content of a managed file that is put in. */
const CONTENT_MAX = 256 * 1024;
/** What is asked of systemd. Not its `status`, which shows the arguments of whatever hook runs just then. */
const UNIT_FACTS = [
  ...['Id', 'LoadState', 'ActiveState', 'SubState', 'UnitFileState', 'Result', 'NRestarts', 'NeedDaemonReload'],
  ...['FragmentPath', 'DropInPaths', 'StatusText', 'ActiveEnterTimestamp', 'InactiveEnterTimestamp'],
  ...['WatchdogUSec', 'WatchdogTimestamp', 'MainPID', 'ExecMainCode', 'ExecMainStatus', 'ExecMainStartTimestamp'],
  ...['MemoryCurrent', 'MemoryPeak', 'MemoryMax', 'TasksCurrent', 'CPUUsageNSec', 'ReadWritePaths', 'User'],
  ...['CapabilityBoundingSet', 'AmbientCapabilities', 'ProtectSystem', 'ProtectHome', 'PrivateTmp', 'PrivateDevices'],
];
/** Longest name of a managed file in an archive. */
const NAME_MAX_BYTES = 99;
/** How long a program of the system may take to answer. */
const ASK_MS = 10_000;

const OWN: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  status: () => import('./status.ts'),
  locks: () => import('./locks.ts'),
  doctor: () => import('./doctor.ts'),
  history: () => import('./history.ts'),
  check: () => import('./check.ts'),
  log: () => import('./log.ts'),
  track: () => import('./track.ts'),
};

/** The settings as they are written, or why they cannot be used. */
export function settingsPart(text: string, settings: Settings | null): Part {
  return {
    name: 'settings.yaml',
    text: settings === null ? `# These settings are wrong: see check.txt.\n${text}` : text,
  };
}

/** What one of our own commands says. */
async function listen(command: Command, argv: readonly string[]): Promise<string> {
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const terminal: Terminal = { out: say, err: say, live: false, colour: false, columns: null, env: {} };
  try {
    await command.run(argv, terminal);
  } catch (error) {
    if (error instanceof SaidError) said.push(`${error.message}\nTry: ${error.remedy}\n`);
    else if (error instanceof Failure) said.push(`${error.message} (${error.code})\n`);
    else throw error;
  }
  return said.join('');
}

/** What the reading commands say, for people and for machines. */
export async function commandParts(
  settings: string,
  configs: readonly string[],
  troubles: string[],
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for (const [name, load] of Object.entries(OWN)) {
    const { command } = await load();
    const more = name === 'log' ? ['--lines', '1000000'] : [];
    for (const [ending, flags] of [
      ['txt', []],
      ['json', ['--json']],
    ] as const) {
      try {
        const text = await listen(command, ['--settings', settings, ...more, ...flags]);
        parts.push({ name: `${name}.${ending}`, text });
      } catch (error) {
        troubles.push(`${name}.${ending}: ${messageOf(error)}`);
      }
    }
  }
  const { command: track } = await import('./track.ts');
  const gpx = await listen(track, ['--settings', settings, '--gpx']);
  if (gpx.startsWith('<')) parts.push({ name: 'track.gpx', text: gpx });
  const { command } = await import('./locks.ts');
  for (const config of configs) {
    parts.push({ name: `locks/${config}.txt`, text: await listen(command, ['--settings', settings, config]) });
  }
  return parts;
}

/** The name of a file as an archive can take it: one that is too long by its beginning and its digest, for two may begin alike. */
function fitted(name: string): string {
  if (Buffer.byteLength(name) <= NAME_MAX_BYTES) return name;
  // Half of a letter at the cut reads as U+FFFD, which has three bytes.
  const start = Buffer.from(name)
    .subarray(0, NAME_MAX_BYTES - 16)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
  return `${start}~${sha256(name).slice(0, 12)}`;
}

/** What is known of every managed file; its content only where that is allowed. */
export function configParts({ configs }: Settings, withContents: boolean, troubles: string[]): readonly Part[] {
  const facts: object[] = [];
  const contents: Part[] = [];
  for (const [config, { files }] of Object.entries(configs)) {
    for (const { path } of files) {
      try {
        const stat = lstatSync(path);
        const bytes = stat.isFile() ? readFileSync(path) : null;
        const { uid, gid, mode, size, mtimeMs } = stat;
        const digest = bytes === null ? null : `sha256:${sha256(bytes)}`;
        facts.push({ config, path, uid, gid, mode: (mode & 0o7777).toString(8), size, mtimeMs, digest });
        if (bytes !== null && bytes.length <= CONTENT_MAX && (withContents || isForEverybody(path))) {
          contents.push({ name: `contents/${config}/${fitted(basename(path))}`, text: bytes.toString('utf8') });
        }
      } catch (error) {
        troubles.push(`${path}: ${messageOf(error)}`);
      }
    }
  }
  return [{ name: 'configs.json', text: `${JSON.stringify(facts, null, 2)}\n` }, ...contents];
}

async function ask(program: string, ...argv: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, argv, { timeout: ASK_MS, maxBuffer: 4 * 1024 * 1024 });
  return stdout;
}

/** Facts of the machine; never the environment or the arguments of a process. */
export async function systemParts(settings: Settings | null, troubles: string[]): Promise<readonly Part[]> {
  const attempt = <T>(what: string, look: () => T): T | null => {
    try {
      return look();
    } catch (error) {
      troubles.push(`${what}: ${messageOf(error)}`);
      return null;
    }
  };
  const read = (path: string) => attempt(path, () => readFileSync(path, 'utf8'));
  const dirs = settings === null ? ['/'] : [settings.paths.state, settings.paths.run, '/'];
  const addresses = Object.entries(networkInterfaces()).map(([name, list]) => [
    name,
    list?.map(({ cidr, mac }) => ({ cidr, mac })) ?? [],
  ]);
  const facts = {
    locksmith: BUILD.version,
    node: process.version,
    kernel: release(),
    arch: arch(),
    host: hostname(),
    system: read('/etc/os-release')?.split('\n').filter(Boolean) ?? null,
    uptime_s: Math.floor(uptime()),
    boot: read('/proc/sys/kernel/random/boot_id')?.trim() ?? null,
    load: loadavg(),
    processors: cpus().length,
    memory_bytes: { free: freemem(), total: totalmem() },
    user: process.getuid?.() ?? null,
    disks: dirs.map((path) => ({ path, ...attempt(path, () => mountOf(path)) })),
    network: Object.fromEntries(addresses),
    kernel_locks: read('/proc/locks')?.split('\n').filter(Boolean) ?? null,
  };
  const parts: Part[] = [{ name: 'system.json', text: `${JSON.stringify(facts, null, 2)}\n` }];
  for (const [name, program, argv] of [
    ['systemd.txt', 'systemctl', ['show', '--no-pager', `--property=${UNIT_FACTS.join(',')}`, 'locksmith-agent']],
    ['systemd-journal.txt', 'journalctl', ['--no-pager', '-o', 'short-iso', '-n', '500', '-u', 'locksmith-agent']],
    ['timedatectl.txt', 'timedatectl', []],
  ] as const) {
    // A machine without systemd has none of them, and that is no trouble.
    const text = await ask(program, ...argv).catch(() => null);
    if (text !== null && text !== '') parts.push({ name, text });
  }
  return parts;
}
