import type { LockDoor } from '../ports/lock.ts';
import type { Clock } from '../ports/world.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import type { Refusal } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import type { EventBody, Gate, Pending } from '../values/report.ts';
import { rfc3339 } from '../values/units.ts';
import { hotRefusal } from './admit.ts';
import type { Endings } from './endings.ts';
import { type HeldUpdate, triedRecord } from './ledger.ts';
import { about, attemptOf, refusalEvent } from './report.ts';
import type { Said } from './said.ts';

/** What waiting works with. */
export interface WaitingPorts {
  readonly clock: Clock;
  readonly locks: LockDoor;
  readonly said: Said;
  readonly endings: Endings;
  /** Words for who has a lock. */
  lockWords(lock: LockState): string;
}

/** The config a document waits for, as people know it. */
export interface WaitingPlace {
  readonly config: string;
  /** Base name of the file people know the config by. */
  readonly file: string;
  readonly settings: ConfigSettings;
}

/** How documents wait, and what is said meanwhile; null stands for the return to what was there before Locksmith. */
export interface Waiting {
  /** Why it waits is said once per document and reason `why`. */
  at(gate: Gate, config: string, held: HeldUpdate | null, refusal: Refusal, why: string): Promise<void>;
  /** Waits for the lock; true if the config says that a HOT one refuses and the document has ended. A commit cut off always waits. */
  forLock(place: WaitingPlace, held: HeldUpdate | null, lock: LockState, cutOff: boolean): Promise<boolean>;
}

/** Makes it. */
export function createWaiting(ports: WaitingPorts): Waiting {
  const { locks, said, endings } = ports;

  const at: Waiting['at'] = async (gate, config, held, refusal, why) => {
    const pending: Pending = { id: held?.id ?? null, version: held?.version ?? 0, waiting_for: [gate] };
    const key = `${held?.hash ?? 'original'} ${why}`;
    if (!said.waits(config, pending, key)) return said.tell(config, [], []);
    const { code, reason, mismatch } = refusal;
    const because = { code, reason, ...(mismatch === undefined ? {} : { mismatch }) };
    if (held === null || held.ended !== null) {
      const document = held === null ? { config } : about(held);
      return said.tell(config, [], [{ event: 'waiting', ...document, ...because }]);
    }
    const hot = gate === 'lock';
    if (hot) locks.refused(config);
    const lastAttempt = attemptOf(held, hot ? 'refused' : 'waiting', rfc3339(ports.clock.wallMs()), refusal);
    const tried = triedRecord(config, { attempt: lastAttempt, key });
    // Only a HOT lock is a refusal that is not final; any other gate is waited for.
    const event: EventBody = hot ? refusalEvent(held, refusal) : { event: 'waiting', ...about(held), ...because };
    return said.tell(config, [tried], [event], { lastAttempt });
  };

  return {
    at,
    async forLock({ config, file, settings }, held, lock, cutOff) {
      const refusal = hotRefusal({ file, onHot: settings.on_hot, lock, lockWords: ports.lockWords(lock) });
      if (refusal.final && held !== null && held.ended === null && !cutOff) {
        locks.refused(config);
        await endings.refuse(held, refusal);
        return true;
      }
      said.watchLock(config);
      const who = lock.holder === null ? lock.verdict : `${lock.holder.pid} ${lock.holder.start}`;
      await at('lock', config, held, { ...refusal, final: false }, `${who}`);
      return false;
    },
  };
}
