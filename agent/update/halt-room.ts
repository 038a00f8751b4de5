import type { Frame } from '../ports/broker.ts';
import type { JournalRecord } from '../ports/journal.ts';
import type { Cancel, Clock, Sha256 } from '../ports/world.ts';
import { type Refusal, refuse } from '../values/errors.ts';
import { type Halt, sayHalted } from '../values/halt.ts';
import type { ClockTrust, EventBody } from '../values/report.ts';
import { type Address, parseOrderTopic } from '../values/topics.ts';
import { rfc3339 } from '../values/units.ts';
import { type Halts, type HeldHalt, haltOverRecord, haltRecord, haltsRevokedRecord, holds, isOver } from './halts.ts';
import type { HeldUpdate } from './ledger.ts';
import { parseDocument } from './parse.ts';
import { FUTURE_MAX_S } from './verify.ts';

/** What the room works with. */
export interface HaltPorts {
  readonly root: string;
  /** Most specific first. */
  readonly addresses: readonly Address[];
  readonly halts: Halts;
  readonly clock: Clock;
  readonly sha256: Sha256;
  time(): { readonly nowS: number; readonly clock: ClockTrust };
  /** Verifies signature and type, and reads the payload. */
  verify(
    jws: string,
  ): { readonly kind: 'halt'; readonly kid: string; readonly halt: Halt } | (Refusal & { readonly signed: boolean });
  /** Says a refusal once per signed form, which `hash` names. */
  refuse(hash: string, refusal: Refusal, signed: boolean, said: Partial<EventBody>): Promise<unknown>;
  /** Makes records durable together with what is said about them, and then says it. */
  speak(records: readonly JournalRecord[], events: readonly EventBody[]): Promise<void>;
  /** What updates wait for has changed. */
  wake(): void;
  /** Looks after a promise that nobody waits for. */
  later(promise: Promise<unknown>): void;
}

/** Takes stop signs in, and says whom they hold. */
export interface HaltRoom {
  /** True for a message on the topic of a halt. */
  isOurs(frame: Frame): boolean;
  /** Resolves when the halt is taken, or refused, durably: when the broker may be told. */
  frame(frame: Frame): Promise<void>;
  /** Why an update has to wait; null if no halt holds it. */
  halted(held: Pick<HeldUpdate, 'rollout' | 'config' | 'despiteHalt'>): string | null;
  /** Ends halts whose time is over, from now on, until cancelled. */
  watch(): Cancel;
  /** The records by which the halts of these keys go. */
  revoke(kids: readonly string[]): readonly JournalRecord[];
}

/** Longest and shortest time until it is looked again whether a halt is over: a clock may jump, or be trusted all of a sudden. */
const LOOK_MAX_MS = 60_000;
const LOOK_MIN_MS = 1_000;

/** Opens the room. */
export function openHaltRoom(ports: HaltPorts): HaltRoom {
  const { halts, sha256, addresses } = ports;
  const watched = { is: false, ending: false, cancel: () => {} };

  /** With no halt that ends by itself there is nothing to wake up for. */
  const arm = () => {
    watched.cancel();
    const ends = halts.inForce(addresses).flatMap(({ exp }) => exp ?? []);
    if (!watched.is || ends.length === 0) return;
    const waitMs = Math.min(...ends) * 1000 - ports.clock.wallMs();
    watched.cancel = ports.clock.after(Math.max(LOOK_MIN_MS, Math.min(waitMs, LOOK_MAX_MS)), look);
  };
  const look = () => {
    const now = ports.time();
    const over = halts.inForce(addresses).filter((halt) => isOver(halt, now));
    if (over.length > 0 && !watched.ending) {
      watched.ending = true;
      const events = over.map(({ address, version, id, exp }): EventBody => {
        const reason = `exp has passed (${rfc3339((exp ?? 0) * 1000)})`;
        return { event: 'halted', address, version, halt: id, reason, lift: true };
      });
      const told = ports.speak(over.map(haltOverRecord), events).finally(() => {
        watched.ending = false;
      });
      ports.later(told.then(ports.wake));
    }
    arm();
  };

  const check = (halt: Halt, address: Address): Refusal | null => {
    if (halt.aud !== address) return refuse('wrong-audience', `signed for ${halt.aud}, published to ${address}`);
    if (!addresses.includes(address)) {
      return refuse('wrong-audience', `published to ${address}, which is no address of this device`);
    }
    const { nowS, clock } = ports.time();
    if (clock === 'ok' && halt.iat > nowS + FUTURE_MAX_S) {
      return refuse('from-future', `signed at ${rfc3339(halt.iat * 1000)}`);
    }
    if (clock === 'ok' && halt.exp !== undefined && halt.exp <= nowS) {
      return refuse('expired', `exp was ${rfc3339(halt.exp * 1000)}`);
    }
    const mark = halts.newest(address)?.version ?? 0;
    if (halt.version < mark) return refuse('replayed', `version ${halt.version} for ${address}, but ${mark} was seen`);
    if (halt.version > mark) return null;
    return refuse('version-reused', `version ${halt.version} for ${address} was seen with other content`);
  };

  return {
    isOurs: ({ topic }) => parseOrderTopic(ports.root, topic)?.order === 'halt',
    async frame(frame) {
      const order = parseOrderTopic(ports.root, frame.topic);
      // An empty message is how a broker is made to forget a retained one; it lifts nothing.
      if (order === null || frame.payload.length === 0) return;
      const { address } = order;
      const refused = async (refusal: Refusal, signed: boolean, said: Partial<EventBody> = {}) => {
        const hash = sha256(`${frame.topic}\n${sha256(frame.payload)}`);
        await ports.refuse(hash, { ...refusal, reason: `halt: ${refusal.reason}` }, signed, { address, ...said });
      };
      const parsed = parseDocument(frame.payload, null, sha256);
      if (parsed.kind === 'refusal') return refused(parsed, false);
      if (parsed.kind === 'empty' || halts.knows(parsed.hash)) return;
      const verified = ports.verify(parsed.jws);
      if (verified.kind === 'refusal') return refused(verified, verified.signed);
      const { halt, kid } = verified;
      const about = { address, version: halt.version, halt: halt.id, who: kid };
      const refusal = check(halt, address);
      if (refusal !== null) return refused(refusal, true, about);
      const held: HeldHalt = {
        ...{ id: halt.id, address, version: halt.version, hash: parsed.hash, kid, over: false },
        ...{ exp: halt.exp ?? null, rollout: halt.rollout ?? null, configs: halt.configs ?? null },
        ...{ lift: halt.lift === true, note: halt.note ?? null },
      };
      const note = halt.note === undefined ? '' : `: ${halt.note}`;
      const reason = held.lift ? `lifted by version ${halt.version}${note}` : `${sayHalted(halt)} wait${note}`;
      await ports.speak([haltRecord(held)], [{ event: 'halted', ...about, reason, lift: held.lift }]);
      arm();
      ports.wake();
    },
    halted(held) {
      if (held.despiteHalt !== undefined) return null;
      const now = ports.time();
      const halt = halts.inForce(addresses).find((one) => !isOver(one, now) && holds(one, held));
      if (halt === undefined) return null;
      const { rollout, configs, note } = halt;
      const what = sayHalted({
        ...(rollout === null ? {} : { rollout }),
        ...(configs === null ? {} : { configs }),
      });
      return `halt version ${halt.version} for ${halt.address} holds ${what}${note === null ? '' : ` (${note})`}`;
    },
    watch() {
      watched.is = true;
      look();
      return () => {
        watched.is = false;
        watched.cancel();
      };
    },
    revoke: (kids) => (kids.length === 0 ? [] : [haltsRevokedRecord(kids)]),
  };
}
