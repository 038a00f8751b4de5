import { resolve } from 'node:path';
import { checkSettings } from './generated/settings-check.js';
import { hostFiles } from './host/files.ts';
import { type Place, parseYaml, type Step } from './host/yaml.ts';
import { brokenRules } from './settings-rules.ts';
import { SETTINGS_SCHEMA, type Settings } from './settings-schema.ts';
import { knownKeysOf, sayFault } from './settings-words.ts';
import { EXIT, Failure, SaidError } from './values/errors.ts';

/** Larger settings are a mistake (a log, a bundle) and would only cost memory. */
const SETTINGS_MAX_BYTES = 1024 * 1024;
const ID_FILE_MAX_BYTES = 4096;

/** One thing that is wrong with the settings. */
export interface SettingsProblem extends Place {
  /** What and why, starting with the dotted path of the setting. */
  readonly message: string;
  /** What to do about it; null if the message says so already. */
  readonly remedy: string | null;
}

/** Settings that were read, or everything that is wrong with them in the order of the file. */
export type SettingsReading =
  | { readonly kind: 'settings'; readonly settings: Settings; placeOf(path: readonly Step[]): Place }
  | { readonly kind: 'problems'; readonly problems: readonly SettingsProblem[] };

/**
 * Reads and checks the settings and fills the defaults in.
 * Throws {@link SaidError} (exit 2) that names file, line and column of the first thing that is wrong.
 */
export function readSettings(path: string): Settings {
  const reading = examineSettings(readText(path), path);
  if (reading.kind === 'settings') return reading.settings;
  const [first, ...rest] = reading.problems;
  if (first === undefined)
    throw new SaidError(EXIT.usage, `${path}: cannot be read`, `locksmith check --settings ${path}`);
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`;
  const all = `locksmith check --settings ${path}`;
  const remedy = first.remedy === null || rest.length > 0 ? all : first.remedy;
  throw new SaidError(EXIT.usage, `${path}:${first.line}:${first.column}: ${first.message}${more}`, remedy);
}

/** Checks the text of the settings; `path` is where it is from. Never throws. */
export function examineSettings(text: string, path: string): SettingsReading {
  const yaml = parseYaml(text);
  if (yaml.kind === 'faults') {
    const problems = yaml.faults.map(({ line, column, why }) => ({
      line,
      column,
      message: `not valid YAML: ${why}`,
      remedy: null,
    }));
    return { kind: 'problems', problems };
  }
  const value = yaml.value;
  const problem = (steps: readonly Step[], key: boolean, why: string, remedy: string | null): SettingsProblem => ({
    ...(key ? yaml.placeOfKey(steps) : yaml.placeOf(steps)),
    message: steps.length === 0 ? why : `${sayPath(steps)}: ${why}`,
    remedy,
  });
  if (!checkSettings(value)) {
    const known = knownKeysOf(SETTINGS_SCHEMA);
    const said = (checkSettings.errors ?? []).flatMap((fault) => sayFault(fault, value, known) ?? []);
    const misspelt = new Set(
      said.flatMap(({ key, about, path: at }) =>
        key && about !== undefined ? [`${sayPath(at.slice(0, -1))} ${about}`] : [],
      ),
    );
    const problems = said
      .filter(({ key, about, path: at }) => key || about === undefined || !misspelt.has(`${sayPath(at)} ${about}`))
      .map((words) => problem(words.path, words.key, words.why, words.remedy));
    return { kind: 'problems', problems: inOrder(problems) };
  }
  const rules = brokenRules(value, resolve(path)).map((rule) => problem(rule.path, false, rule.why, rule.remedy));
  if (rules.length > 0) return { kind: 'problems', problems: inOrder(rules) };
  const id = deviceId(value.device.id);
  if (id.kind === 'fault') return { kind: 'problems', problems: [problem(['device', 'id'], false, id.why, null)] };
  const device = { ...value.device, id: id.id };
  // A document may ask for a config called `constructor`: it must find nothing under that name.
  Object.setPrototypeOf(value.configs, null);
  return { kind: 'settings', settings: { ...value, device }, placeOf: yaml.placeOf };
}

/** The name of the device: as it stands there, or the first line of the file it names, so that one image does for a whole fleet. */
function deviceId(
  said: string,
): { readonly kind: 'id'; readonly id: string } | { readonly kind: 'fault'; readonly why: string } {
  if (!said.startsWith('/')) return { kind: 'id', id: said };
  try {
    const bytes = hostFiles().read('settings.read', said, ID_FILE_MAX_BYTES);
    if (bytes === null) return { kind: 'fault', why: `${said}: there is no such file` };
    const id = new TextDecoder().decode(bytes).split('\n')[0]?.trim() ?? '';
    // What systemd leaves in /etc/machine-id of an image that has never booted.
    if (/^[A-Za-z0-9_-]{1,64}$/.test(id) && id !== 'uninitialized') return { kind: 'id', id };
    return { kind: 'fault', why: `the first line of ${said} is not a name: 1 to 64 letters, digits, \`_\` or \`-\`` };
  } catch (error) {
    if (error instanceof Failure) return { kind: 'fault', why: error.message };
    throw error;
  }
}

/** The text of a settings file. Throws {@link SaidError} (exit 2) if it cannot be read or is larger than 1 MiB. */
export function readText(path: string): string {
  try {
    const bytes = hostFiles().read('settings.read', path, SETTINGS_MAX_BYTES);
    if (bytes === null) {
      throw new SaidError(
        EXIT.usage,
        `${path}: there is no such settings file`,
        'give the right one with --settings FILE',
      );
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof Failure)
      throw new SaidError(EXIT.usage, error.message, 'look at the file and at who may read it');
    if (error instanceof TypeError)
      throw new SaidError(EXIT.usage, `${path}: not UTF-8 text`, 'save the file as UTF-8');
    throw error;
  }
}

/** Says where a setting is: `configs.aim_lock_config.files[0].path`. */
export function sayPath(steps: readonly Step[]): string {
  return steps
    .map((step) => (/^\d+$/.test(String(step)) ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

function inOrder(problems: readonly SettingsProblem[]): readonly SettingsProblem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
}
