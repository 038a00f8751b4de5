import { hookRules, isOwnUnit } from './settings-hook-rules.ts';
import type { Settings } from './settings-schema.ts';
import { whyNoCron } from './values/cron.ts';
import { whyNoWindow } from './values/window.ts';

/** A rule of the settings that a schema cannot say, broken at `path`. */
export interface BrokenRule {
  readonly path: readonly (string | number)[];
  readonly why: string;
  readonly remedy: string | null;
}

type Path = readonly (string | number)[];

/** Longest base name of a file, in bytes: the name it is staged under is 22 longer, and Linux takes 255. */
const FILE_NAME_MAX_BYTES = 233;

/** Checks the rules between settings. `settingsPath` is where they were read: a config may not name that file. */
export function brokenRules(settings: Settings, settingsPath: string): readonly BrokenRule[] {
  return [
    ...brokerRules(settings),
    ...ownPathRules(settings),
    ...configRules(settings, settingsPath),
    ...lockRules(settings),
    ...gateRules(settings),
    ...vehicleRules(settings),
    ...hookRules(settings),
  ];
}

function broken(path: Path, why: string, remedy: string | null = null): BrokenRule {
  return { path, why, remedy };
}

function brokerRules({ broker }: Settings): BrokenRule[] {
  const { urls, tls, username, password_file, backoff } = broker;
  const rules: BrokenRule[] = [];
  for (const [index, text] of urls.entries()) {
    const path = ['broker', 'urls', index];
    if (text === 'embedded') {
      if (urls.length > 1) rules.push(broken(path, "'embedded' stands alone, found other brokers beside it"));
      continue;
    }
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || url.hostname === '') rules.push(broken(path, `'${text}' is not a URL with a host`));
    else if (url.username !== '' || url.password !== '') {
      rules.push(broken(path, 'a URL carries no user or password', 'use broker.username and broker.password_file'));
    } else if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '') {
      rules.push(broken(path, `expected mqtt://host:port and nothing after it, found '${text}'`));
    }
  }
  if (tls !== undefined && !urls.some((url) => url.startsWith('mqtts://'))) {
    rules.push(
      broken(
        ['broker', 'tls'],
        'tls is for mqtts:// brokers, but no URL starts with it',
        'write mqtts:// in broker.urls',
      ),
    );
  }
  if (tls !== undefined && (tls.cert === undefined) !== (tls.key === undefined)) {
    const there = tls.cert === undefined ? 'key' : 'cert';
    rules.push(broken(['broker', 'tls', there], 'cert and key come together, found one of them'));
  }
  if (password_file !== undefined && username === undefined) {
    rules.push(broken(['broker', 'password_file'], 'a password needs broker.username too'));
  }
  if (username !== undefined && password_file === undefined && tls?.cert === undefined) {
    rules.push(broken(['broker', 'username'], 'a user name needs broker.password_file too (or a client certificate)'));
  }
  if (backoff.first_s > backoff.cap_s) {
    rules.push(broken(['broker', 'backoff', 'first_s'], `${backoff.first_s} is more than cap_s, ${backoff.cap_s}`));
  }
  return rules;
}

function ownPathRules({ paths }: Settings): BrokenRule[] {
  const rules = Object.entries(paths).flatMap(([key, path]) => {
    const why = whyNotPlain(path);
    return why === null ? [] : [broken(['paths', key], why)];
  });
  if (paths.state === paths.run || paths.state.startsWith(`${paths.run}/`)) {
    rules.push(broken(['paths', 'state'], 'durable state cannot be in paths.run, which a reboot clears'));
  }
  return rules;
}

function configRules(settings: Settings, settingsPath: string): BrokenRule[] {
  const rules: BrokenRule[] = [];
  const takenBy = new Map<string, string>();
  for (const [name, { files }] of Object.entries(settings.configs)) {
    if (name === '__proto__') rules.push(broken(['configs', name], 'a config cannot be called __proto__'));
    const names = new Set<string>();
    for (const [index, file] of files.entries()) {
      const at = ['configs', name, 'files', index, 'path'];
      const why = whyNotPlain(file.path);
      if (why !== null) {
        rules.push(broken(at, why));
        continue;
      }
      const base = file.path.slice(file.path.lastIndexOf('/') + 1);
      if (new TextEncoder().encode(base).length > FILE_NAME_MAX_BYTES) {
        rules.push(
          broken(at, `a name longer than ${FILE_NAME_MAX_BYTES} bytes leaves no room for the staged file beside it`),
        );
      }
      const other = takenBy.get(file.path);
      const own = whoseOwn(file.path, settings, settingsPath);
      if (own !== null) rules.push(broken(at, `a config cannot hold ${own}`));
      else if (other !== undefined && other !== name) rules.push(broken(at, `config '${other}' has this path already`));
      else if (names.has(base)) rules.push(broken(at, `a second file called '${base}' in config '${name}'`));
      if (file.schema !== undefined && file.format === 'text') {
        const remedy = 'add `format: json` (or yaml, toml, ini) to the file';
        rules.push(
          broken(['configs', name, 'files', index, 'schema'], 'a schema needs a format other than text', remedy),
        );
      }
      takenBy.set(file.path, name);
      names.add(base);
    }
  }
  return rules;
}

function lockRules({ locks, configs }: Settings): BrokenRule[] {
  const why = whyNoCron(locks.gc);
  const gc = why === null ? [] : [broken(['locks', 'gc'], why, 'every minute is "* * * * *"')];
  const own = Object.entries(configs).flatMap(([name, { writers }]) =>
    writers.flatMap((unit, index) =>
      isOwnUnit(unit)
        ? [broken(['configs', name, 'writers', index], 'Locksmith cannot stop itself for a release')]
        : [],
    ),
  );
  return [...gc, ...own];
}

function gateRules(settings: Settings): BrokenRule[] {
  return Object.entries(settings.configs).flatMap(([name, { window, vehicle }]) => {
    const why = window === undefined ? null : whyNoWindow(window);
    const key = why?.split(':')[0] ?? '';
    const shut = why === null ? [] : [broken(['configs', name, 'window', key], why.slice(key.length + 2))];
    if (vehicle !== 'safe' || settings.vehicle !== undefined) return shut;
    const never = 'nothing says how the vehicle is, so it would never be safe and nothing ever applied';
    return [...shut, broken(['configs', name, 'vehicle'], never, 'say under `vehicle` where its state comes from')];
  });
}

/** Ways to an autopilot, of which one is named. */
const WAYS = ['listen', 'connect', 'serial', 'file'] as const;

function vehicleRules({ vehicle }: Settings): BrokenRule[] {
  const rules: BrokenRule[] = [];
  if (vehicle === undefined) return rules;
  const { mavlink, gpsd } = vehicle;
  if ((mavlink === undefined) === (gpsd === undefined)) {
    rules.push(broken(['vehicle'], `expected mavlink or gpsd, found ${mavlink === undefined ? 'neither' : 'both'}`));
  }
  if (vehicle.disarmed_is_enough && mavlink === undefined) {
    rules.push(broken(['vehicle', 'disarmed_is_enough'], 'only MAVLink tells whether it is disarmed'));
  }
  if (vehicle.cannot_move && gpsd === undefined) {
    rules.push(broken(['vehicle', 'cannot_move'], 'what has an autopilot can move', 'take cannot_move out'));
  }
  const ways = WAYS.filter((way) => mavlink?.[way] !== undefined);
  if (mavlink !== undefined && ways.length !== 1) {
    const found = ways.length === 0 ? 'none' : ways.join(' and ');
    rules.push(broken(['vehicle', 'mavlink'], `expected one of ${WAYS.join(', ')}, found ${found}`));
  }
  const urls = [
    { path: ['vehicle', 'mavlink', 'listen'], text: mavlink?.listen },
    { path: ['vehicle', 'mavlink', 'connect'], text: mavlink?.connect },
    { path: ['vehicle', 'gpsd', 'connect'], text: gpsd?.connect },
  ];
  for (const { path, text } of urls) {
    if (text !== undefined && !isHostAndPort(text)) {
      rules.push(broken(path, `expected ${text.slice(0, 6)}host:port and nothing after it, found '${text}'`));
    }
  }
  return rules;
}

function isHostAndPort(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.hostname === '' || url.port === '' || url.port === '0') return false;
  return (
    `${url.username}${url.password}${url.search}${url.hash}` === '' && (url.pathname === '' || url.pathname === '/')
  );
}

/** Why a path is not taken as it is written; null if it is fine. Two spellings of one path would defeat the other rules. */
function whyNotPlain(path: string): string | null {
  const parts = path.split('/').slice(1);
  if (parts.at(-1) === '') return `expected a path without '/' at its end, found '${path}'`;
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    return `expected a path without '.', '..' or '//', found '${path}'`;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'expected a path without control characters';
  return null;
}

/** Says which of Locksmith's own files a path is; null if it is none. */
function whoseOwn(path: string, { trust, paths, broker, configs }: Settings, settingsPath: string): string | null {
  const inside = (dir: string) => path === dir || path.startsWith(`${dir}/`);
  if (path === settingsPath) return "Locksmith's own settings";
  if (path === trust.keys) return 'the keys that Locksmith trusts (trust.keys)';
  if (inside(paths.state)) return `anything in Locksmith's state directory, ${paths.state}`;
  if (inside(paths.run)) return `anything in Locksmith's run directory, ${paths.run}`;
  const secrets = [trust.https_ca, broker.password_file, broker.tls?.ca, broker.tls?.cert, broker.tls?.key];
  if (secrets.includes(path)) return "a secret of Locksmith's own link";
  if (/\/systemd\/system\/locksmith[^/]*\.(service|path|timer|socket)(\.d\/.*)?$/.test(path))
    return "Locksmith's own unit";
  if (/\/\.[^/]*\.locksmith$/.test(path)) return 'a name that Locksmith gives to its own staged files';
  if (Object.values(configs).some(({ files }) => files.some(({ schema }) => schema === path))) {
    return 'a schema that updates are checked against';
  }
  return null;
}
