import type { JournalMemory, JournalRecord } from '../../ports/journal.ts';

/** Signatures count time in units of 10 microseconds since 2015. Source: MAVLink message signing. */
const EPOCH_MS = Date.UTC(2015, 0, 1);
/** Units of time in signatures in a millisecond. */
export const UNITS_PER_MS = 100;
/** A time further ahead of our clock is not put on record. Reason: one sender whose clock says 2035 would keep new ones out for years, over every restart. */
const AHEAD_MAX_MS = 600_000;

/** A time as signatures count it. */
export function signedTimeOf(wallMs: number): number {
  return Math.floor((wallMs - EPOCH_MS) * UNITS_PER_MS);
}

/** The newest time that each sender has signed with, so that nothing recorded is taken again, also by the next life of the agent. */
export interface SignedTimes extends JournalMemory {
  /** Times by sender under this key; a new key begins anew. To be asked once the journal has been replayed. */
  of(key: string): Map<string, number>;
  /** The latest time that is put on record. */
  latest(): number;
}

/** The record of what was heard. */
export function signedRecord(key: string, times: ReadonlyMap<string, number>): JournalRecord {
  return { t: 'signed', key, times: [...times] };
}

/** Makes an empty memory. `wallMs`: null while the clock is not to be trusted; then any time is put on record. */
export function createSignedTimes(wallMs: () => number | null = () => null): SignedTimes {
  const state = { key: '', times: new Map<string, number>() };
  const latest = () => {
    const nowMs = wallMs();
    return nowMs === null ? Number.POSITIVE_INFINITY : signedTimeOf(nowMs + AHEAD_MAX_MS);
  };
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
    snapshot() {
      const untilTime = latest();
      const kept = new Map([...state.times].filter(([, time]) => time <= untilTime));
      return kept.size === 0 ? [] : [signedRecord(state.key, kept)];
    },
    latest,
    of(key) {
      if (key !== state.key) Object.assign(state, { key, times: new Map() });
      return state.times;
    },
  };
}
