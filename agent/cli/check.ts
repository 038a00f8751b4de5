import { createPrivateKey, X509Certificate } from 'node:crypto';
import { accessSync, constants, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { hostFiles } from '../host/files.ts';
import type { Place, Step } from '../host/yaml.ts';
import { examineSettings, readSettings, readText, sayPath } from '../settings.ts';
import { brokenRules } from '../settings-rules.ts';
import type { Settings } from '../settings-schema.ts';
import { parseKeys } from '../trust/keys.ts';
import { compileSchema } from '../update/validate.ts';
import { errnoOf } from '../values/errno.ts';
import { EXIT, Failure, SaidError } from '../values/errors.ts';
import { examineTarget } from './check-target.ts';
import { type Command, lineFor, readArgs, SETTINGS_PATH, type Terminal } from './command.ts';
import { readTrusted, sayTrusted, type Trusted } from './trusted.ts';
import { fitUnits, unitFiles } from './unit-files.ts';

/** One thing that is wrong; `line` and `column` where it is a matter of the settings file. */
export interface Problem extends Partial<Place> {
  readonly file: string;
  readonly message: string;
  readonly remedy: string | null;
}

/** `locksmith check`: looks at everything a start of the agent depends on. */
export const command: Command = {
  help: `Usage: locksmith check [--settings FILE] [--json]
       locksmith check --unit [--root DIR] [--settings FILE]

Validates the settings with file, line and column, and what they name: the trusted keys, the schemas, the certificates and
the password file, and for every file of a config whether its directories exist and only the right users may write there.
Changes nothing. Exit codes: 0 all is right, 2 something is wrong.
  --unit       instead fits the systemd units to the settings: where the agent may write, which services it may handle.
               Every start of the device does so by itself; needs root
  --root DIR   with --unit: for the image of a device that lies there

Example:
  locksmith check --settings /etc/locksmith/agent.yaml
`,
  run,
};

const KEYS_MAX_BYTES = 1024 * 1024;
/** The unit gives the agent only the directories that were in the settings when it was fitted to them. */
const UNIT_REMEDY = 'sudo locksmith check --unit && sudo systemctl restart locksmith-agent';

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const options = {
    settings: { type: 'string', default: SETTINGS_PATH },
    json: { type: 'boolean', default: false },
    unit: { type: 'boolean', default: false },
    root: { type: 'string' },
  } as const;
  const { values } = readArgs('check', argv, options, { min: 0, max: 0, names: '' });
  const path = values.settings;
  if (values.unit) {
    fitUnits(unitFiles(readSettings(path), resolve(path), real), values.root ?? '/', terminal);
    return EXIT.done;
  }
  if (values.root !== undefined)
    throw new SaidError(EXIT.usage, 'check: --root goes with --unit', 'locksmith check --help');
  const reading = examineSettings(readText(path), path);
  const { problems, summary } =
    reading.kind === 'problems'
      ? { problems: reading.problems.map((problem): Problem => ({ file: path, ...problem })), summary: null }
      : await examineWorld(reading.settings, path, reading.placeOf);
  if (values.json) {
    terminal.out(`${JSON.stringify({ ok: problems.length === 0, settings: path, ...summary, problems })}\n`);
    return problems.length === 0 ? EXIT.done : EXIT.usage;
  }
  for (const warning of summary?.warnings ?? []) terminal.err(`${lineFor(terminal, `warning: ${warning}`)}\n`);
  for (const { file, line, column, message } of problems) {
    const where = [file, line, column].filter((part) => part !== undefined).join(':');
    terminal.out(`${lineFor(terminal, `${where}: ${message}`)}\n`);
  }
  const remedy = problems.find((problem) => problem.remedy !== null)?.remedy;
  if (problems.length > 0) {
    throw new SaidError(
      EXIT.usage,
      `${path}: ${problems.length} ${problems.length === 1 ? 'thing is' : 'things are'} wrong`,
      remedy ?? 'mend what the lines above name; docs/settings.md has every setting',
    );
  }
  if (summary !== null) {
    const { device, configs } = summary;
    const words = `${path}: all right: device ${device}, configs ${configs.join(' ')}, keys ${sayTrusted(summary, ' ')}`;
    terminal.out(`${lineFor(terminal, words)}\n`);
  }
  return EXIT.done;
}

/** What the settings name, looked at. */
interface World {
  readonly problems: readonly Problem[];
  readonly summary: Trusted & {
    readonly device: string;
    readonly configs: readonly string[];
    readonly warnings: readonly string[];
  };
}

/** Looks at what the settings name; changes nothing. */
export async function examineWorld(
  settings: Settings,
  path: string,
  placeOf: (path: readonly Step[]) => Place,
): Promise<World> {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const report = (steps: readonly Step[], why: string, remedy: string | null = null) =>
    problems.push({ file: path, ...placeOf(steps), message: `${sayPath(steps)}: ${why}`, remedy });
  const attempt = <T>(steps: readonly Step[], work: () => T): T | null => {
    try {
      return work();
    } catch (error) {
      report(steps, whyOf(error), error instanceof SaidError ? error.remedy : null);
      return null;
    }
  };
  const read = (steps: readonly Step[], file: string): string | null =>
    attempt(steps, () => {
      const bytes = hostFiles().read('check.read', file, KEYS_MAX_BYTES);
      const given = file.startsWith('/run/credentials/') ? ' while the unit is down' : '';
      if (bytes === null) throw new Error(`${file}: there is no such file${given}`);
      return new TextDecoder().decode(bytes);
    });
  const guard = (steps: readonly Step[], file: string, forbidden: number, why: string) => {
    const stat = attempt(steps, () => hostFiles().stat('check.read', file));
    if (stat !== null && stat.kind === 'file' && (stat.mode & forbidden) !== 0)
      report(steps, `${file}: ${why}`, `chmod o-rw ${file}`);
  };

  guard([], path, 0o002, 'can be written by everybody');
  const keysText = read(['trust', 'keys'], settings.trust.keys);
  const ring = keysText === null ? null : attempt(['trust', 'keys'], () => parseKeys(keysText, settings.trust.keys));
  if (keysText !== null) guard(['trust', 'keys'], settings.trust.keys, 0o002, 'can be written by everybody');
  const authority = settings.trust.https_ca === undefined ? null : read(['trust', 'https_ca'], settings.trust.https_ca);
  if (authority !== null) attempt(['trust', 'https_ca'], () => new X509Certificate(authority));
  examineLink(settings, { attempt, read, guard });
  examineVehicle(settings, { attempt, read, guard });
  for (const [name, { files }] of Object.entries(settings.configs)) {
    for (const [index, file] of files.entries()) {
      const at = ['configs', name, 'files', index];
      const warning = attempt([...at, 'path'], () => examineTarget(file));
      if (warning !== null) warnings.push(`${sayPath([...at, 'path'])}: ${file.path}: ${warning}`);
      if (isReadOnly(dirname(real(file.path))))
        report([...at, 'path'], `${file.path}: cannot be written from here (read-only)`, UNIT_REMEDY);
      if (file.schema === undefined) continue;
      const text = read([...at, 'schema'], file.schema);
      try {
        if (text !== null) await compileSchema(text, file.format === 'ini');
      } catch (error) {
        report(
          [...at, 'schema'],
          `${file.schema}: cannot be used: ${whyOf(error)}`,
          'mend the schema: devices refuse what they cannot check',
        );
      }
    }
  }
  for (const rule of brokenRules(resolved(settings), real(resolve(path))))
    report(rule.path, `leads there: ${rule.why}`, rule.remedy);
  return {
    problems,
    summary: {
      device: settings.device.id,
      configs: Object.keys(settings.configs),
      warnings,
      ...readTrusted(settings, ring),
    },
  };
}

interface Hands {
  attempt<T>(steps: readonly Step[], work: () => T): T | null;
  read(steps: readonly Step[], file: string): string | null;
  guard(steps: readonly Step[], file: string, forbidden: number, why: string): void;
}

function examineVehicle({ vehicle }: Settings, { attempt, read, guard }: Hands): void {
  const { signing_key: key, serial, file } = vehicle?.mavlink ?? {};
  const at = (name: string) => ['vehicle', 'mavlink', name];
  if (key !== undefined && read(at('signing_key'), key) !== null) {
    guard(at('signing_key'), key, 0o006, 'can be read or written by everybody');
  }
  for (const [name, path] of Object.entries({ serial, file })) {
    if (path === undefined) continue;
    attempt(at(name), () => accessSync(path, name === 'serial' ? constants.R_OK | constants.W_OK : constants.R_OK));
  }
}

function examineLink({ broker }: Settings, { attempt, read, guard }: Hands): void {
  const { password_file: password, tls } = broker;
  if (password !== undefined && read(['broker', 'password_file'], password) !== null) {
    guard(['broker', 'password_file'], password, 0o006, 'can be read or written by everybody');
  }
  const part = <T>(name: 'ca' | 'cert' | 'key', parse: (pem: string) => T): T | null => {
    const file = tls?.[name];
    const at = ['broker', 'tls', name];
    const pem = file === undefined ? null : read(at, file);
    return pem === null ? null : attempt(at, () => parse(pem));
  };
  part('ca', (pem) => new X509Certificate(pem));
  const cert = part('cert', (pem) => new X509Certificate(pem));
  const key = part('key', (pem) => createPrivateKey(pem));
  if (tls?.key !== undefined && key !== null)
    guard(['broker', 'tls', 'key'], tls.key, 0o006, 'can be read or written by everybody');
  attempt(['broker', 'tls', 'cert'], () => {
    if (cert !== null && key !== null && !cert.checkPrivateKey(key))
      throw new Error('does not belong to broker.tls.key');
  });
}

/** The settings with every symlink on a config's path followed, to see whether two names lead to one place. */
function resolved(settings: Settings): Settings {
  const configs = Object.entries(settings.configs).map(([name, config]) => {
    return [name, { ...config, files: config.files.map((file) => ({ ...file, path: real(file.path) })) }] as const;
  });
  const { paths, trust } = settings;
  return {
    ...settings,
    paths: { state: real(paths.state), run: real(paths.run) },
    trust: { keys: real(trust.keys) },
    configs: Object.fromEntries(configs),
  };
}

/** True on a file system that takes no writes, or in a unit that was not given this directory. */
function isReadOnly(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return false;
  } catch (error) {
    return errnoOf(error) === 'EROFS';
  }
}

/** Where a path leads, symlinks followed; the path itself where it cannot be said. */
export function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function whyOf(error: unknown): string {
  if (error instanceof Failure) return `${error.message} (${error.code})`;
  return error instanceof Error ? (error.message.split('\n')[0] ?? error.message) : String(error);
}
