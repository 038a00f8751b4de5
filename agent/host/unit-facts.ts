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

/** Effective capabilities of a process as bits; null if it is gone or may not be looked at. Source: /proc/PID/status. */
export function capabilitiesOf(pid: number): bigint | null {
  try {
    const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return hex === undefined ? null : BigInt(`0x${hex}`);
  } catch {
    return null;
  }
}
