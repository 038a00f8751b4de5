import type { Frame } from '../ports/broker.ts';
import type { JournalRecord } from '../ports/journal.ts';
import type { Sha256 } from '../ports/world.ts';
import type { Command } from '../values/command.ts';
import { type Code, type Refusal, refuse } from '../values/errors.ts';
import { printable } from '../values/printable.ts';
import type { ClockTrust, EventBody } from '../values/report.ts';
import { parseCommandTopic } from '../values/topics.ts';
import { DOCUMENT_MAX_BYTES } from '../values/update.ts';
import { aboutCommand, carryOut, type Hands, refusedEvent } from './carry.ts';
import { checkCommand } from './check.ts';
import { answeredRecord, type Ids } from './ids.ts';

/** What the room works with. */
export interface CommandPorts {
  readonly root: string;
  /** The id of the device. */
  readonly device: string;
  readonly configs: readonly string[];
  readonly ids: Ids;
  readonly hands: Hands;
  readonly sha256: Sha256;
  /** Whether a refusal may have an event of its own; shared with the updates. */
  readonly budget: { take(code: Code, signed: boolean): boolean };
  time(): { readonly nowS: number; readonly clock: ClockTrust };
  /** Verifies signature and type, and reads the payload. */
  verify(
    jws: string,
  ): Promise<
    | { readonly kind: 'command'; readonly kid: string; readonly command: Command }
    | (Refusal & { readonly signed: boolean; readonly id: string | null })
  >;
  /** Makes records durable together with what is said about them, and then says it. */
  speak(records: readonly JournalRecord[], events: readonly EventBody[]): Promise<void>;
  /** The answer could not be kept: a Failure, or our own bug. */
  onTrouble(error: unknown): void;
}

/** Takes commands in and has them carried out. */
export interface Commands {
  /** True for a message on the topic of a command. */
  isOurs(frame: Frame): boolean;
  /** Resolves when the command is taken, or refused, durably: when the broker may be told. */
  frame(frame: Frame): Promise<void>;
  /** Answers what an earlier life took and could not answer. Call once, after the journal was opened. */
  start(): Promise<void>;
  /** Takes no more, as if the device were away already; resolves when the commands under way are answered. */
  stop(): Promise<void>;
}

/** Signed forms remembered as refused, so that a repeated one has no event each time. */
const REFUSED_KEPT = 256;

/** Opens the room. */
export function openCommands(ports: CommandPorts): Commands {
  const { ids, speak } = ports;
  const refused = new Set<string>();
  const underWay = new Set<Promise<void>>();
  /** A config has one release at a time. */
  const turns = new Map<string, Promise<void>>();
  let stopped = false;

  const refuseIt = async (refusal: Refusal, said: Partial<EventBody>, signed: boolean, hash: string | null) => {
    // Who repeats what somebody else signed is nobody we know.
    const known = signed && hash !== null && !refused.has(hash) && refusal.code !== 'replayed';
    if (hash !== null && signed) refused.add(hash);
    if (refused.size > REFUSED_KEPT) for (const oldest of [...refused].slice(0, 1)) refused.delete(oldest);
    if (ports.budget.take(refusal.code, known)) await speak([], [refusedEvent(refusal, said)]);
  };

  const carry = async (command: Command, kid: string) => {
    const answer = await carryOut(command, kid, ports.hands);
    // Its event goes out in any case: whoever signed it is known.
    if (answer.event === 'refused' && answer.code !== undefined) ports.budget.take(answer.code, true);
    await speak([answeredRecord(command.id)], [answer]);
  };
  const begin = (command: Command, kid: string) => {
    const config = command.cmd === 'release' ? command.config : null;
    const before = (config === null ? null : turns.get(config)) ?? Promise.resolve();
    const work = before.then(() => carry(command, kid)).catch(ports.onTrouble);
    if (config !== null) turns.set(config, work);
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  };

  return {
    isOurs: ({ topic }) => parseCommandTopic(ports.root, topic) !== null,
    async frame(frame) {
      const place = parseCommandTopic(ports.root, frame.topic);
      // An empty message is how a broker is made to forget a retained one.
      if (place === null || frame.payload.length === 0 || stopped) return;
      const cmd = printable(place.name, 64);
      const unread = unreadable(frame);
      if (unread !== null) return refuseIt(unread, { cmd }, false, null);
      const jws = new TextDecoder('latin1').decode(frame.payload).trim();
      const hash = ports.sha256(jws);
      const verified = await ports.verify(jws);
      if (verified.kind === 'refusal') {
        const named = verified.id === null ? { cmd } : { cmd, command: verified.id };
        return refuseIt(verified, named, verified.signed, hash);
      }
      const { command, kid } = verified;
      const { nowS, clock } = ports.time();
      const { device, configs } = ports;
      const context = { device, configs, nowS, clock, used: ids.used, forgottenUntilS: ids.forgottenUntilS() };
      const refusal = checkCommand(command, place, context);
      if (refusal !== null) return refuseIt(refusal, { ...aboutCommand(command), who: kid }, true, hash);
      const { id, exp, config = null } = command;
      const taken = { id, exp, cmd: command.cmd, config };
      // Nothing is awaited between the check and this: two of the same id cannot both be new.
      await speak(ids.take(taken, clock === 'ok' ? nowS : null), []);
      begin(command, kid);
    },
    async start() {
      for (const command of ids.open()) {
        const reason = 'the agent ended before it could say what became of it';
        const said = aboutCommand(command);
        await speak(
          [answeredRecord(command.id)],
          [{ event: 'failed', ...said, code: 'interrupted', reason, final: true }],
        );
      }
    },
    async stop() {
      stopped = true;
      await Promise.all(underWay);
    },
  };
}

/** Why a message is refused before anybody looks into it; null if it is not. */
function unreadable({ payload, retain }: Frame): Refusal | null {
  if (payload.length > DOCUMENT_MAX_BYTES) {
    return refuse('too-large', `${payload.length} bytes, more than the ${DOCUMENT_MAX_BYTES} allowed`);
  }
  // What the broker kept was meant for a moment that is over.
  return retain ? refuse('replayed', 'kept by the broker: a command is not retained') : null;
}
