import { Failure } from '../values/errors.ts';
import type { EventBody } from '../values/report.ts';
import { type CommitPorts, keepFound, type OnDisk } from './commit.ts';
import type { GatePlace } from './gates.ts';
import { driftRecord } from './past.ts';
import type { Said } from './said.ts';
import { sayDocument } from './sides.ts';

/** What looking for edits by hand works with. */
export interface DriftPorts extends Pick<CommitPorts, 'ledger' | 'keeper' | 'clock'> {
  readonly said: Said;
}

/** Sees where the bytes on disk are not what Locksmith put there. */
export interface Drifts {
  /** This config is to be looked at, though nothing asks for a move. */
  inspect(config: string): void;
  /** True while it is to be looked at: once, and for as long as an edit is to be put back. */
  isDue(place: Pick<GatePlace, 'config' | 'settings'>): boolean;
  /** Compares. An edit is kept as a generation and told, once for each content; true if there is one. */
  see(place: Pick<GatePlace, 'config' | 'file'>, disk: OnDisk): Promise<boolean>;
}

/** Makes it; every config is due at first. */
export function createDrifts(ports: DriftPorts): Drifts {
  const { ledger, keeper, said } = ports;
  const seen = new Set<string>();

  /** Names of the files that differ from what was put there; all of them where that cannot be told. */
  const changed = (config: string, file: string, { contents }: OnDisk): string => {
    const { digest } = said.running(config);
    const generation = ledger.generationWith(config, digest);
    const names = contents.map(({ name }) => name);
    try {
      const put = generation === null ? [] : keeper.read(generation);
      const differ = contents.filter(({ name, bytes }) => {
        const was = put.find((one) => one.name === name)?.bytes ?? null;
        return was === null || bytes === null ? was !== bytes : Buffer.compare(was, bytes) !== 0;
      });
      return (differ.length === 0 ? names : differ.map(({ name }) => name)).join(', ') || file;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return names.join(', ');
    }
  };

  return {
    inspect: (config) => void seen.delete(config),
    isDue: ({ config, settings }) =>
      !seen.has(config) || (settings.on_drift === 'restore' && ledger.drift(config) !== null),
    async see({ config, file }, disk) {
      const running = ledger.running(config);
      seen.add(config);
      if (running === null) return false;
      const drifted = disk.digest !== running.digest;
      const digest = drifted ? disk.digest : null;
      if (ledger.drift(config)?.digest === digest || (!drifted && ledger.drift(config) === null)) return drifted;
      if (!drifted) {
        await said.tell(config, [driftRecord(config, null)], []);
        return false;
      }
      const known = ledger.generationWith(config, disk.digest) !== null;
      const kept = known ? [] : [await keepFound(ports, config, 'drift', disk)];
      const { version, layer, address } = running;
      const since =
        layer === null || address === null
          ? 'it was put back as it was before Locksmith'
          : `${sayDocument({ version, layer, address })} was put there`;
      const reason = `${changed(config, file, disk)} edited by hand since ${since}`;
      const event: EventBody = { event: 'drift', config, digest: disk.digest, reason };
      await said.tell(config, [...kept, driftRecord(config, disk.digest)], [event]);
      return true;
    },
  };
}
