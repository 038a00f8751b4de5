import type { BrokenRule } from './settings-rules.ts';
import type { Settings } from './settings-schema.ts';

/** How long one look at the health may take, in seconds. Effect: the last of several must still fit. */
export const LOOK_MAX_S = 5;

type Config = Settings['configs'][string];

/** The rules for programs and probes of a config that the schema cannot say. */
export function hookRules({ configs }: Settings): readonly BrokenRule[] {
  return Object.entries(configs).flatMap(([name, config]) => [
    ...checkRules(name, config),
    ...oneOf(['configs', name, 'reload'], config.reload, ['argv', 'unit']),
    ...reloadRules(name, config),
    ...healthRules(name, config),
  ]);
}

/** True for the units that come with Locksmith. Pure. */
export function isOwnUnit(unit: string): boolean {
  return /^locksmith(-(agent|recover|unit|page))?(@.*)?\.\w+$/.test(unit);
}

function reloadRules(name: string, { reload }: Config): readonly BrokenRule[] {
  if (reload?.unit === undefined || !isOwnUnit(reload.unit)) return [];
  const why = `${reload.unit} is Locksmith itself: it would end in the middle of the update`;
  return [{ path: ['configs', name, 'reload', 'unit'], why, remedy: 'name the service that reads the config' }];
}

function oneOf(path: readonly string[], value: object | undefined, keys: readonly string[]): readonly BrokenRule[] {
  if (value === undefined) return [];
  const there = keys.filter((key) => key in value);
  if (there.length === 1) return [];
  const found = there.length === 0 ? 'none of them' : there.join(' and ');
  return [{ path, why: `expected one of ${keys.join(', ')}, found ${found}`, remedy: null }];
}

function checkRules(name: string, { check, files }: Config): readonly BrokenRule[] {
  if (check === undefined) return [];
  const path = ['configs', name, 'check', 'argv'];
  const names = files.map((file) => file.path.slice(file.path.lastIndexOf('/') + 1));
  const asked = check.argv.flatMap((word) =>
    [...word.matchAll(/\{staged(?::([^}]*))?\}/g)].map(([, of]) => of ?? null),
  );
  const rules: BrokenRule[] = [];
  if (asked.length === 0) {
    rules.push({
      path,
      why: 'nowhere says {staged}, so it would look at the old file',
      remedy: 'write {staged} where the path goes',
    });
  }
  for (const of of asked) {
    if (of === null && names.length > 1)
      rules.push({ path, why: '{staged} could be any of several files', remedy: `write {staged:${names[0]}}` });
    if (of !== null && !names.includes(of))
      rules.push({ path, why: `{staged:${of}} is no file of this config`, remedy: `it has ${names.join(', ')}` });
  }
  return rules;
}

function healthRules(name: string, { health }: Config): readonly BrokenRule[] {
  if (health === undefined) return [];
  const path = ['configs', name, 'health'];
  const rules = [...oneOf(path, health, ['argv', 'http', 'tcp'])];
  const needed = (health.times - 1) * health.every_s + LOOK_MAX_S;
  if (health.within_s < needed) {
    const why = `${health.times} looks, ${health.every_s} s apart, need up to ${needed} s, but only ${health.within_s} s are given`;
    rules.push({ path: [...path, 'within_s'], why, remedy: `within_s: ${Math.ceil(needed)}` });
  }
  if (health.http !== undefined && !(URL.canParse(health.http) && /^https?:$/.test(new URL(health.http).protocol))) {
    rules.push({ path: [...path, 'http'], why: `'${health.http}' is not a URL that starts with http`, remedy: null });
  }
  if (health.tcp !== undefined && !/^(\[[0-9A-Fa-f:.]+\]|[^:/\s]+):([1-9]\d{0,4})$/.test(health.tcp)) {
    rules.push({ path: [...path, 'tcp'], why: `expected host:port, found '${health.tcp}'`, remedy: null });
  }
  return rules;
}
