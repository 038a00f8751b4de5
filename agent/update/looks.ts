import type { JournalMemory, JournalRecord } from '../ports/journal.ts';
import type { FileLook } from '../ports/targets.ts';

/** How the files looked that were removed, so that one that is brought back is no more open to others than it was. */
export interface Looks extends JournalMemory {
  /** Null for one that was never removed. */
  of(config: string, name: string): FileLook | null;
}

/** The record of a file that is about to be removed. */
export const lookRecord = (config: string, name: string, look: FileLook): JournalRecord => ({
  t: 'look',
  config,
  name,
  look,
});

type Stored = JournalRecord & { readonly config: string; readonly name: string; readonly look: FileLook };

/** Records of this room were written by this room and carry a check: their type is all that is looked at. */
function isStored(record: JournalRecord): record is Stored {
  return record.t === 'look';
}

/** Knows none; the journal folds its records in. */
export function createLooks(): Looks {
  const known = new Map<string, Stored>();
  const keyOf = (config: string, name: string) => `${config} ${name}`;
  return {
    types: ['look'],
    fold(record) {
      if (isStored(record)) known.set(keyOf(record.config, record.name), record);
    },
    snapshot: () => [...known.values()].map(({ config, name, look }) => lookRecord(config, name, look)),
    of: (config, name) => known.get(keyOf(config, name))?.look ?? null,
  };
}
