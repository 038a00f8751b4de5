import type { LockDoor } from '../ports/lock.ts';
import type { Clock } from '../ports/world.ts';
import type { Refusal } from '../values/errors.ts';
import type { EventBody, Gate, Pending } from '../values/report.ts';
import { rfc3339 } from '../values/units.ts';
import type { Unmet, Waits } from './admit.ts';
import { type HeldUpdate, type Ledger, triedRecord } from './ledger.ts';
import { about, attemptOf, refusalEvent } from './report.ts';
import type { Said } from './said.ts';

/** What waiting works with. */
export interface WaitingPorts {
  readonly clock: Clock;
  readonly locks: LockDoor;
  readonly ledger: Ledger;
  readonly said: Said;
}

/** How documents wait, and what is said meanwhile. */
export interface Waiting {
  /**
   * Waits at all these gates; null stands for the return to what was there before Locksmith. Each gate is told once a document and
   * cause. A lock that turns HOT while it waits for something else anyway is shown, but told only once it alone is in the way.
   */
  at(config: string, held: HeldUpdate | null, waits: Waits): Promise<void>;
  /** When the clock will change by itself what a config waits for, Unix milliseconds; null: it will not. */
  turnMs(config: string): number | null;
  /** From now on (Unix milliseconds; null: not at all) the clock will. */
  turnsAt(config: string, turnMs: number | null): void;
}

/** The gates by name, each once, sorted. */
export function gatesOf(unmet: readonly Unmet[]): readonly Gate[] {
  return [...new Set(unmet.map(({ gate }) => gate))].sort();
}

/** Makes it. */
export function createWaiting(ports: WaitingPorts): Waiting {
  const { ledger, locks, said } = ports;

  const events = (held: HeldUpdate | null, config: string, fresh: readonly Unmet[]): readonly EventBody[] => {
    const open = held !== null && held.ended === null;
    const hot = open ? fresh.find(({ gate }) => gate === 'lock') : undefined;
    const others = fresh.filter((one) => one !== hot);
    const [first] = others;
    const told: EventBody[] = [];
    // Only a HOT lock is a refusal that is not final; any other gate is waited for.
    if (hot !== undefined && open) told.push(refusalEvent(held, hotOf(hot)));
    if (first !== undefined) {
      const document = held === null ? { config } : about(held);
      const because = { reason: sayAll(others), ...(first.code === null ? {} : { code: first.code }) };
      told.push({ event: 'waiting', ...document, ...because, ...(first.gate === 'lock' ? { mismatch: 'hot' } : {}) });
    }
    return told;
  };

  const turns = new Map<string, number>();
  const turnsAt = (config: string, turnMs: number | null) => {
    if (turnMs === null) turns.delete(config);
    else turns.set(config, turnMs);
  };

  return {
    turnMs: (config) => turns.get(config) ?? null,
    turnsAt,
    async at(config, held, { unmet, turnMs }) {
      turnsAt(config, turnMs);
      const pending: Pending = { id: held?.id ?? null, version: held?.version ?? 0, waiting_for: gatesOf(unmet) };
      const before = said.told(config, held?.hash ?? 'original');
      const alone = unmet.every(({ gate }) => gate === 'lock' || gate === 'disk');
      const worth = unmet.filter(
        ({ gate, key }) => gate !== 'lock' || alone || before === null || before.includes(key),
      );
      const fresh = worth.filter(({ key }) => before?.includes(key) !== true);
      const key = said.waits(
        config,
        pending,
        held?.hash ?? 'original',
        worth.map((one) => one.key),
      );
      if (pending.waiting_for.includes('lock')) said.watchLock(config);
      else said.leaveLock(config);
      const told = events(held, config, fresh);
      if (held === null || held.ended !== null) return said.tell(config, [], told);
      const hot = pending.waiting_for.includes('lock');
      if (told.some(({ event }) => event === 'refused')) locks.refused(config);
      const code = unmet[0]?.code ?? null;
      const attempt = attemptOf(held, hot ? 'refused' : 'waiting', rfc3339(ports.clock.wallMs()), {
        code,
        reason: sayAll(unmet),
      });
      const last = ledger.tried(config);
      const same = last?.key === key && last.attempt.reason === attempt.reason && last.attempt.id === attempt.id;
      if (same) return said.tell(config, [], told);
      return said.tell(config, [triedRecord(config, { attempt, key })], told, { lastAttempt: attempt });
    },
  };
}

/** All reasons in one line. */
export function sayAll(unmet: readonly Unmet[]): string {
  return unmet.map(({ reason }) => reason).join('; ');
}

function hotOf({ reason }: Unmet): Refusal {
  return { kind: 'refusal', code: 'lock-mismatch', mismatch: 'hot', reason, final: false };
}
