import type { SettingsFault } from './generated/settings-check.js';
import { nearest } from './values/nearest.ts';

/** What is wrong at one place of the settings, in words. */
export interface SettingsWords {
  /** Where the value is, as steps from the top. */
  readonly path: readonly (string | number)[];
  /** True where the key itself is what is wrong. */
  readonly key: boolean;
  readonly why: string;
  readonly remedy: string | null;
  /** The key that is missing here, or that an unknown one was meant to be: both tell of one mistake. */
  readonly about?: string | undefined;
}

const PATTERNS: Readonly<Record<string, string>> = {
  '^/': 'an absolute path (one that starts with `/`)',
  '^([A-Za-z0-9_-]{1,64}$|/)': 'a name: 1 to 64 letters, digits, `_` or `-`',
  '^[A-Za-z0-9_-]{1,64}$': 'a name: 1 to 64 letters, digits, `_` or `-`',
  '^[A-Za-z0-9:_.\\\\@-]{1,247}\\.(service|socket|timer|path|target)$':
    'the name of a systemd unit, such as `aim.service` (or .socket, .timer, .path, .target)',
  '^udp://': '`udp://host:port`',
  '^tcp://': '`tcp://host:port`',
  '^(embedded$|(mqtt|mqtts)://)': '`mqtt://host:port`, `mqtts://host:port` or `embedded`',
};

/** Says a value shortly: `7`, `'text'`, `a list`. */
export function sayValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = typeof value === 'string' ? `'${value}'` : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** The value at a JSON pointer's steps; undefined if there is none. */
function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, step) => {
    if (typeof at !== 'object' || at === null) return undefined;
    return Object.entries(at).find(([key]) => key === String(step))?.[1];
  }, value);
}

function stepsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replace(/~1/g, '/').replace(/~0/g, '~'));
}

/** Turns one fault of the schema check into words; null for a fault that another one already tells better. */
export function sayFault(fault: SettingsFault, settings: unknown, knownKeys: KnownKeys): SettingsWords | null {
  const path = stepsOf(fault.instancePath);
  const found = sayValue(valueAt(settings, path));
  const here = (why: string, remedy: string | null = null): SettingsWords => ({ path, key: false, why, remedy });
  const params = fault.params;
  switch (fault.keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty);
      const full = [...path, key];
      const meant = nearest(key, knownKeys(fault.schemaPath));
      const why = `unknown key '${key}'${meant === null ? '' : ` (did you mean '${meant}'?)`}`;
      return { path: full, key: true, why, remedy: null, about: meant ?? undefined };
    }
    case 'required': {
      const about = String(params.missingProperty);
      return { ...here(`the key '${about}' is missing`), about };
    }
    case 'type': {
      const type = String(params.type);
      const quote = type === 'string' && found !== 'nothing' ? `write it in quotes: "${found}"` : null;
      return here(
        `expected ${type === 'object' ? 'a mapping' : type === 'array' ? 'a list' : `a ${type}`}, found ${found}`,
        quote,
      );
    }
    case 'pattern': {
      if (fault.propertyName !== undefined) {
        return {
          path: [...path, fault.propertyName],
          key: true,
          why: `'${fault.propertyName}' is not ${words(params)}`,
          remedy: null,
        };
      }
      return here(`expected ${words(params)}, found ${found}`);
    }
    case 'enum': {
      const allowed = Array.isArray(params.allowedValues) ? params.allowedValues.map(String) : [];
      const value = valueAt(settings, path);
      const quoted = typeof value !== 'string' && allowed.includes(String(value));
      if (quoted) return here(`expected a text, found the number ${found}`, `write it in quotes: "${found}"`);
      const meant = nearest(String(value), allowed);
      return here(
        `expected one of ${allowed.join(', ')}, found ${found}${meant === null ? '' : ` (did you mean '${meant}'?)`}`,
      );
    }
    case 'uniqueItems': {
      const [first, second] = [Number(params.i), Number(params.j)].sort((a, b) => a - b);
      return {
        path: [...path, second ?? 0],
        key: false,
        why: `it is in the list already, as number ${(first ?? 0) + 1}`,
        remedy: null,
      };
    }
    case 'minItems':
    case 'minProperties':
      return here('expected at least one entry, found none');
    case 'propertyNames':
      return null;
    default:
      return here(`${fault.message ?? fault.keyword}, found ${found}`);
  }
}

function words(params: SettingsFault['params']): string {
  const pattern = String(params.pattern);
  return PATTERNS[pattern] ?? `a text that matches ${pattern}`;
}

/** The keys that the schema knows at a place of the schema, given as ajv's `schemaPath`. */
export type KnownKeys = (schemaPath: string) => readonly string[];

/** Looks keys up in a schema. */
export function knownKeysOf(schema: object): KnownKeys {
  return (schemaPath) => {
    const parent = schemaPath.split('/').slice(1, -1);
    const at = valueAt(schema, [...parent, 'properties']);
    return typeof at === 'object' && at !== null ? Object.keys(at) : [];
  };
}
