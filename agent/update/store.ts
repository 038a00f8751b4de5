import type { Journal } from '../ports/journal.ts';
import type { Cancel, Clock } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import { type Generation, storedRecord } from './generations.ts';
import type { Keeper } from './keep.ts';
import type { Ledger } from './ledger.ts';

/** How long all is quiet before contents are put by. Reason: until then the journal has them, and the next update shall not wait for the disk. */
const QUIET_MS = 2_000;
/** Pause after the disk did not take them. */
const RETRY_MS = 60_000;

/** Puts the contents of generations by, so that neither journal nor memory need their signed forms. */
export interface Store {
  /** Something came to rest: puts by what is not yet, once all is quiet. */
  quiet(): void;
  /** Resolves when nothing is being written any more. */
  stop(): Promise<void>;
}

/** Opens it. */
export function openStore(ports: {
  readonly ledger: Ledger;
  readonly keeper: Keeper;
  readonly journal: Journal;
  readonly clock: Clock;
  onTrouble(failure: Failure): void;
  onBug(error: unknown): void;
}): Store {
  const { ledger, keeper, journal, clock } = ports;
  let timer: Cancel | null = null;
  let storing: Promise<void> | null = null;
  let stopping = false;
  const waiting = () => ledger.allGenerations().filter(({ content }) => content.kind === 'signed');

  const storeAll = async () => {
    for (let next: Generation | undefined; !stopping; ) {
      [next] = waiting();
      if (next === undefined) return;
      journal.note([storedRecord(next, await keeper.keep('keep.store', keeper.read(next)))]);
    }
  };
  const start = () => {
    timer = null;
    storing ??= storeAll()
      .catch((error: unknown) => {
        if (!(error instanceof Failure)) return ports.onBug(error);
        ports.onTrouble(error);
        after(RETRY_MS);
      })
      .finally(() => {
        storing = null;
      });
  };
  const after = (ms: number) => {
    timer?.();
    timer = stopping ? null : clock.after(ms, start);
  };

  return {
    quiet() {
      if (storing === null && waiting().length > 0) after(QUIET_MS);
    },
    async stop() {
      stopping = true;
      timer?.();
      await storing;
    },
  };
}
