import type { JournalMemory, JournalRecord } from '../../ports/journal.ts';

/** The newest time that each sender has signed with, so that nothing recorded is taken again, also by the next life of the agent. */
export interface SignedTimes extends JournalMemory {
  /** Times by sender under this key; a new key begins anew. To be asked once the journal has been replayed. */
  of(key: string): Map<string, number>;
}

/** The record of what was heard. */
export function signedRecord(key: string, times: ReadonlyMap<string, number>): JournalRecord {
  return { t: 'signed', key, times: [...times] };
}

/** Makes an empty memory. */
export function createSignedTimes(): SignedTimes {
  const state = { key: '', times: new Map<string, number>() };
  return {
    types: ['signed'],
    fold({ key, times }) {
      if (typeof key !== 'string' || !Array.isArray(times)) return;
      if (key !== state.key) Object.assign(state, { key, times: new Map() });
      for (const one of times) {
        if (!Array.isArray(one)) continue;
        const [sender, time]: readonly unknown[] = one;
        if (typeof sender !== 'string' || typeof time !== 'number') continue;
        state.times.set(sender, Math.max(time, state.times.get(sender) ?? 0));
      }
    },
    snapshot: () => (state.times.size === 0 ? [] : [signedRecord(state.key, state.times)]),
    of(key) {
      if (key !== state.key) Object.assign(state, { key, times: new Map() });
      return state.times;
    },
  };
}
