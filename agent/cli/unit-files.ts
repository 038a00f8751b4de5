import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Settings } from '../settings-schema.ts';
import { errnoOf } from '../values/errno.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import type { Terminal } from './command.ts';

/** The user the unit runs the agent as. Source: systemd/locksmith-agent.service. */
const USER = 'locksmith';
/** What the agent may do with the units of its settings: a release stops and starts writers, an update reloads a consumer. */
const VERBS = ['start', 'stop', 'restart', 'reload', 'reload-or-restart'];
/** Directories the unit has to itself or does not see at all. */
const HOMES = /^\/(home|root|run\/user)(\/|$)/;
const TEMPS = /^\/(tmp|var\/tmp)(\/|$)/;

const DROP_IN = '/etc/systemd/system/locksmith-agent.service.d/50-settings.conf';
const RECOVER_DROP_IN = '/etc/systemd/system/locksmith-recover.service.d/50-settings.conf';
const PAGE_DROP_IN = '/etc/systemd/system/locksmith-page.service.d/50-settings.conf';
const POLKIT_RULE = '/etc/polkit-1/rules.d/50-locksmith.rules';

/** A path as systemd reads it back: quoted, and without specifiers. */
function quoted(path: string): string {
  return `"-${path.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`;
}

/** Everything the settings make the agent read or write. */
function pathsOf(settings: Settings): readonly string[] {
  const { broker, trust, paths, configs, vehicle } = settings;
  const { ca, cert, key } = broker.tls ?? {};
  const { signing_key, file } = vehicle?.mavlink ?? {};
  const named = [broker.password_file, ca, cert, key, trust.keys, paths.state, paths.run, signing_key, file];
  const files = Object.values(configs).flatMap((config) => config.files.flatMap(({ path, schema }) => [path, schema]));
  return [...named, ...files].flatMap((path) => path ?? []);
}

/** A serial line to the autopilot is a device, which the unit sees none of; its group is the one that serial lines belong to. */
function lineOf({ vehicle }: Settings): readonly string[] {
  const line = vehicle?.mavlink?.serial;
  if (line === undefined) return [];
  return ['PrivateDevices=no', `DeviceAllow=${line.replaceAll('%', '%%')} rw`, 'SupplementaryGroups=dialout'];
}

/**
 * What has to stand beside the units so that they fit the settings, by path; null: no such file. `real` follows the symlinks of a
 * path. Pure otherwise.
 */
export function unitFiles(
  settings: Settings,
  settingsPath: string,
  real: (path: string) => string,
): ReadonlyMap<string, string | null> {
  const written = `Written by \`locksmith check --unit\` from ${settingsPath}. Not to be edited: run it again.`;
  const configs = Object.values(settings.configs);
  const { state, run } = settings.paths;
  const targets = configs.flatMap(({ files }) => files.map(({ path }) => dirname(real(path))));
  const directories = [...new Set([state, run, ...targets].map(real))].sort();
  const all = pathsOf(settings).map(real);
  const temps = all.some((path) => TEMPS.test(path)) ? ['PrivateTmp=no'] : [];
  const service = [
    '[Service]',
    ...directories.map((path) => `ReadWritePaths=${quoted(path)}`),
    ...(all.some((path) => HOMES.test(path)) ? ['ProtectHome=no'] : []),
    ...temps,
    ...lineOf(settings),
  ];
  const text = (...lines: readonly string[]) => `${lines.join('\n')}\n`;
  const named = configs.flatMap(({ writers, reload }) => [
    ...writers,
    ...(reload?.unit === undefined ? [] : [reload.unit]),
  ]);
  const units = [...new Set(named)].sort();
  const rule = [
    `// ${written}`,
    '// The agent may handle the services that its settings name, and no others.',
    'polkit.addRule(function (action, subject) {',
    `  var units = ${JSON.stringify(units)};`,
    `  var verbs = ${JSON.stringify(VERBS)};`,
    `  if (action.id === "org.freedesktop.systemd1.manage-units" && subject.user === "${USER}" &&`,
    '      units.indexOf(action.lookup("unit")) >= 0 && verbs.indexOf(action.lookup("verb")) >= 0) {',
    '    return polkit.Result.YES;',
    '  }',
    '  return polkit.Result.NOT_HANDLED;',
    '});',
  ];
  // Names of units have no `%` of their own: the schema of the settings keeps them out.
  const order = units.length === 0 ? [] : ['[Unit]', ...units.map((unit) => `Before=${unit}`)];
  return new Map([
    [DROP_IN, text(`# ${written}`, ...service)],
    [RECOVER_DROP_IN, text(`# ${written}`, ...order, ...service)],
    // It writes nothing, and sees homes anyway.
    [PAGE_DROP_IN, temps.length === 0 ? null : text(`# ${written}`, '[Service]', ...temps)],
    [POLKIT_RULE, units.length === 0 ? null : text(...rule)],
  ]);
}

/** What became of one file. */
type Fitted = 'wrote' | 'removed' | 'as it was' | 'left out';

/** Puts one file in place, or takes it away; never leaves half of one. */
function fit(path: string, text: string | null): Fitted {
  const present = existsSync(path) ? readFileSync(path, 'utf8') : null;
  if (present === text) return 'as it was';
  if (text === null) {
    rmSync(path);
    return 'removed';
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const temp = `${path}.${process.pid}.tmp`;
  writeFileSync(temp, text, { mode: 0o644 });
  renameSync(temp, path);
  return 'wrote';
}

/**
 * Fits the units below `root` to the settings, says what it did, and has a running systemd read them anew. Throws {@link SaidError}
 * (exit 1) for what cannot be written.
 */
export function fitUnits(files: ReadonlyMap<string, string | null>, root: string, terminal: Terminal): void {
  const done: Fitted[] = [];
  for (const [path, text] of files) {
    const at = join(root, path);
    try {
      // Without polkit on the device nobody would read the rule.
      const isWanted = path !== POLKIT_RULE || existsSync(dirname(at));
      const fitted = isWanted ? fit(at, text) : 'left out';
      done.push(fitted);
      // What is not there and need not be is no news.
      if (text !== null || fitted !== 'as it was') terminal.out(`${fitted.padEnd(9)} ${at}\n`);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === null) throw error;
      throw new SaidError(EXIT.failed, `${at}: cannot be written (${errno})`, 'sudo locksmith check --unit');
    }
  }
  const changed = done.some((one) => one === 'wrote' || one === 'removed');
  if (!changed || root !== '/' || !existsSync('/run/systemd/system')) return;
  execFileSync('systemctl', ['daemon-reload'], { stdio: 'inherit' });
  terminal.err('A running agent keeps its old limits until: systemctl restart locksmith-agent\n');
}
