import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** How long systemctl may take to answer a question. */
const ASK_MS = 10_000;
const WANTED = [
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'NRestarts',
  'Result',
  'ProtectSystem',
  'ReadWritePaths',
];

/** What systemd says of a unit: the properties by name; null where there is no systemd, or it does not answer. */
export async function unitFacts(unit: string): Promise<Readonly<Record<string, string>> | null> {
  try {
    const { stdout } = await promisify(execFile)('systemctl', ['show', '-p', WANTED.join(','), '--', unit], {
      timeout: ASK_MS,
    });
    return Object.fromEntries(
      stdout
        .split('\n')
        .filter((line) => line.includes('='))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  } catch {
    return null;
  }
}

/** What systemctl prints for a value with a blank in a list: it does not quote. */
const UNPRINTABLE = '[unprintable]';

/** The name of a unit's object on the bus. Source: sd_bus_path_encode(3). */
function objectOf(unit: string): string {
  const encoded = unit.replace(/[^A-Za-z0-9]/g, (char) => `_${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `/org/freedesktop/systemd1/unit/${encoded}`;
}

/**
 * The directories in `ReadWritePaths` of a unit, out of what {@link unitFacts} has found; the bus is asked for them where one has a
 * blank in its name. Null if that could not be told.
 */
export async function writablePaths(
  unit: string,
  facts: Readonly<Record<string, string>>,
): Promise<readonly string[] | null> {
  const bare = (path: string) => path.replace(/^[-+]+/, '');
  const words = (facts.ReadWritePaths ?? '').split(' ').filter((path) => path !== '');
  if (!words.includes(UNPRINTABLE)) return words.map(bare);
  const place = ['org.freedesktop.systemd1', objectOf(unit), 'org.freedesktop.systemd1.Service', 'ReadWritePaths'];
  try {
    const argv = ['--json=short', 'get-property', ...place];
    const { stdout } = await promisify(execFile)('busctl', argv, { timeout: ASK_MS });
    const { data }: { readonly data?: unknown } = JSON.parse(stdout);
    return Array.isArray(data) ? data.map((path) => bare(String(path))) : null;
  } catch {
    return null;
  }
}

/** Effective capabilities of a process as bits; null if it is gone or may not be looked at. Source: /proc/PID/status. */
export function capabilitiesOf(pid: number): bigint | null {
  try {
    const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return hex === undefined ? null : BigInt(`0x${hex}`);
  } catch {
    return null;
  }
}
