import { coveredOn } from './covered.ts';
import type { KeptDocument } from './kept.ts';
import type { SeenLock } from './retained.ts';
import type { SeenDevice, SeenReport } from './view.ts';

/** Which devices are wanted; what is absent asks for nothing. */
export interface Wanted {
  readonly config?: string | undefined;
  /** A lock of it is HOT. */
  readonly hot?: boolean | undefined;
  /** A lock of it is HOT for this reason. */
  readonly verdict?: string | undefined;
  /** What it tried last was refused, failed or rolled back. */
  readonly failed?: boolean | undefined;
  /** It does not run this digest. */
  readonly notOn?: string | undefined;
}

const BAD_RESULTS = ['refused', 'failed', 'rolled-back'];

/** True where the last attempt did not get what it asked for, and does not wait for it either. */
export function isFailed({ last, waitsFor }: SeenReport): boolean {
  return last !== null && BAD_RESULTS.includes(last.result) && waitsFor.length === 0;
}

/** One config of one device: a row of the table. Either half may be unknown. */
export interface FleetRow {
  readonly device: SeenDevice;
  /** Null for a device that has said nothing of any config. */
  readonly config: string | null;
  readonly report: SeenReport | null;
  readonly lock: SeenLock | null;
  /** A newer update that a more specific one hides. */
  readonly covered: KeptDocument | null;
}

/** The rows that are wanted; `kept` are the updates at the broker, `nowS` epoch seconds. Pure. */
export function rowsOf(
  devices: readonly SeenDevice[],
  wanted: Wanted,
  kept: readonly KeptDocument[] = [],
  nowS = 0,
): readonly FleetRow[] {
  const { config, hot, verdict, failed, notOn } = wanted;
  const all = devices.flatMap((device): readonly FleetRow[] => {
    const names = [...new Set([...Object.keys(device.configs), ...Object.keys(device.locks)])].sort();
    if (names.length === 0) return [{ device, config: null, report: null, lock: null, covered: null }];
    return names.map((name) => ({
      ...{ device, config: name },
      ...{ report: device.configs[name] ?? null, lock: device.locks[name] ?? null },
      covered: coveredOn(device, name, kept, nowS),
    }));
  });
  return all.filter((row) => {
    if (config !== undefined && row.config !== config) return false;
    if (hot === true && row.lock?.state !== 'HOT') return false;
    if (verdict !== undefined && (row.lock?.state !== 'HOT' || row.lock.verdict !== verdict)) return false;
    if (failed === true && (row.report === null || !isFailed(row.report))) return false;
    return notOn === undefined || row.report?.digest !== notOn;
  });
}
