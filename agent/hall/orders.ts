import type { JournalMemory, JournalRecord } from '../ports/journal.ts';
import type { Settings } from '../settings-schema.ts';
import { createTrustMemory } from '../trust/memory.ts';
import { openTrust, type TrustRoom } from '../trust/room.ts';
import { verifyHalt } from '../trust/verify.ts';
import { type HaltRoom, openHaltRoom } from '../update/halt-room.ts';
import { createHalts } from '../update/halts.ts';
import type { Line } from '../update/line.ts';
import type { ClockTrust, EventBody } from '../values/report.ts';
import type { Address } from '../values/topics.ts';
import type { Host } from './host.ts';

/** What the orders of the fleet reach into. */
export interface OrderRooms {
  readonly line: Line;
  /** Most specific first. */
  readonly addresses: readonly Address[];
  time(): { readonly nowS: number; readonly clock: ClockTrust };
  /** Makes records durable together with what is said about them, and then says it. */
  speak(records: readonly JournalRecord[], events: readonly EventBody[]): Promise<void>;
  /** Looks after a promise that nobody waits for. */
  later(promise: Promise<unknown>): void;
  /** What updates of any config wait for has changed. */
  wakeAll(): void;
}

/** Whose signature counts, and what has to wait. */
export interface Orders {
  readonly trust: TrustRoom;
  readonly halts: HaltRoom;
  /** What both remember in the journal. */
  readonly memories: readonly JournalMemory[];
}

/** Builds both rooms; what a revoked key signed goes from the line and from the halts together. */
export function openOrders(settings: Settings, host: Host, rooms: OrderRooms): Orders {
  const { clock, files, sha256, ed25519, log } = host;
  const { line, addresses, time, speak, later, wakeAll } = rooms;
  const { root } = settings.broker;
  const haltMemory = createHalts();
  const trustMemory = createTrustMemory();
  const halts = openHaltRoom({
    ...{ root, addresses, clock, sha256, time, speak, later },
    halts: haltMemory,
    verify: (jws) => verifyHalt(jws, trust.ring(), { ...time(), ed25519 }),
    refuse: line.refuse,
    wake: wakeAll,
  });
  const trust = openTrust({
    ...{ root, addresses, files, sha256, ed25519, log, time, speak },
    state: settings.paths.state,
    seed: settings.trust.keys,
    memory: trustMemory,
    refuse: line.refuse,
    revoke(kids) {
      const gone = line.revoke(kids);
      const records = [...gone.records, ...halts.revoke(kids)];
      return { ...gone, records, dropped: gone.dropped.length, done: wakeAll };
    },
  });
  return { trust, halts, memories: [trustMemory, haltMemory] };
}
