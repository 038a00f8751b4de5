import type { Frame } from '../ports/broker.ts';
import type { Files } from '../ports/files.ts';
import type { JournalRecord } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Ed25519, Sha256 } from '../ports/world.ts';
import { EXIT, Failure, type Refusal, refuse, SaidError } from '../values/errors.ts';
import type { ClockTrust, EventBody } from '../values/report.ts';
import { type Address, parseOrderTopic } from '../values/topics.ts';
import { readGeneral } from './general.ts';
import { type BadCopy, type KeptTrust, keepTrust, openKeptTrust } from './kept.ts';
import { type KeyRing, parseKeys } from './keys.ts';
import { revokedBy, sayChange, type TrustMemory, trustRecord } from './memory.ts';
import { verifyTrust } from './verify-trust.ts';

/** What goes with the keys that were revoked: journalled and said together with the change of keys. */
export interface Revocation {
  readonly records: readonly JournalRecord[];
  readonly events: readonly EventBody[];
  /** Documents that are dropped. */
  readonly dropped: number;
  /** It is durable: what runs is looked at again. */
  done(): void;
}

/** What the room works with. */
export interface TrustPorts {
  readonly root: string;
  readonly addresses: readonly Address[];
  readonly files: Files;
  readonly sha256: Sha256;
  readonly ed25519: Ed25519;
  readonly log: Log;
  /** Directory of the state. */
  readonly state: string;
  /** Path of `trust.keys`, from which the keys are seeded. It is never written. */
  readonly seed: string;
  readonly memory: TrustMemory;
  time(): { readonly nowS: number; readonly clock: ClockTrust };
  /** Says a refusal once per signed form, which `hash` names. */
  refuse(hash: string, refusal: Refusal, signed: boolean, said: Partial<EventBody>): Promise<unknown>;
  /** Makes records durable together with what is said about them, and then says it. */
  speak(records: readonly JournalRecord[], events: readonly EventBody[]): Promise<void>;
  /** What was signed by these keys is to go. */
  revoke(kids: readonly string[]): Revocation;
}

/** Whose signature counts: the keys of `trust.keys`, until a root key signs others. */
export interface TrustRoom {
  /** Reads the keys. Throws {@link SaidError} (exit 2) if there are none. */
  open(): Promise<void>;
  /** Once the journal is open: what changed while the agent was not there, or was cut off, is carried out and said. */
  settle(): Promise<void>;
  /** The keys in force. */
  ring(): KeyRing;
  /** True for a message on the topic of a trust document. */
  isOurs(frame: Frame): boolean;
  /** Resolves when the document is taken, or refused, durably: when the broker may be told. */
  frame(frame: Frame): Promise<void>;
}

/** Opens the room. */
export function openTrust(ports: TrustPorts): TrustRoom {
  const { files, sha256, state, memory, log } = ports;
  let ring: KeyRing | null = null;
  let kept: KeptTrust | null = null;
  let bad: readonly BadCopy[] = [];
  let last: Promise<void> = Promise.resolve();

  const inForce = (): KeyRing => {
    if (ring === null) throw new Error('the keys are not read yet');
    return ring;
  };
  const readSeed = (): string | null => {
    const bytes = files.read('trust.read', ports.seed);
    return bytes === null ? null : new TextDecoder().decode(bytes);
  };
  /** The keys change: everything that hangs on those that are gone goes with them, in one go. */
  const change = async (next: KeyRing, version: number, hash: string | null, event: EventBody, words: string) => {
    const counted = memory.counted() ?? [];
    const what = sayChange(counted, next) ?? 'the same keys';
    const gone = ports.revoke(revokedBy(counted, next));
    const drops = gone.dropped === 0 ? '' : `; ${gone.dropped} documents dropped`;
    ring = next;
    await ports.speak(
      [trustRecord(version, hash, next), ...gone.records],
      [{ ...event, reason: `${words}: ${what}${drops}` }, ...gone.events],
    );
    return gone;
  };

  const take = async (frame: Frame, address: Address): Promise<void> => {
    const text = new TextDecoder().decode(frame.payload);
    const refused = async (refusal: Refusal, signed: boolean, version?: number): Promise<void> => {
      const said = { address, ...(version === undefined ? {} : { version }) };
      const reason = `trust document: ${refusal.reason}`;
      await ports.refuse(sha256(`${frame.topic}\n${sha256(frame.payload)}`), { ...refusal, reason }, signed, said);
    };
    const jws = readGeneral(text, 'trust');
    const hash = jws.kind === 'refusal' ? null : sha256(jws.payload);
    // It comes again with every connect, and those who signed it may not count any more.
    if (hash !== null && hash === memory.hash() && kept?.document.version === memory.version()) return;
    const { root: _, addresses, ed25519 } = ports;
    const verified = verifyTrust(text, { ring: inForce(), ...ports.time(), ed25519, address, addresses });
    if (verified.kind === 'refusal') return refused(verified, verified.signed);
    const { document, kids } = verified;
    const { version } = document;
    const mark = memory.version();
    if (version < mark) return refused(refuse('replayed', `version ${version}, but ${mark} was seen`), true, version);
    if (version === mark && hash !== memory.hash()) {
      return refused(refuse('version-reused', `version ${version} was seen with other keys`), true, version);
    }
    const seed = readSeed();
    const next = { text, document, seed: seed === null ? '' : sha256(seed) };
    // From here on it is in force after a crash, so it must be in force without one.
    await keepTrust(files, sha256, state, next);
    kept = next;
    const event: EventBody = { event: 'trust', version, address, who: kids.join(', ') };
    const gone = await change(document.ring, version, hash, event, `trust document version ${version}`);
    gone.done();
  };

  return {
    async open() {
      const found = await openKeptTrust(files, sha256, state);
      kept = found.kept;
      bad = found.bad;
      const seed = readSeed();
      if (kept !== null) {
        ring = kept.document.ring;
        if (seed === null || sha256(seed) !== kept.seed) {
          const why = `not looked at since trust document version ${kept.document.version} is in force`;
          log.say('warning', `${ports.seed}: ${seed === null ? 'is gone' : 'has changed'}; ${why}`);
        }
        return;
      }
      if (seed === null) {
        throw new SaidError(EXIT.usage, `${ports.seed}: there is no such file (trust.keys)`, 'locksmith keys new NAME');
      }
      ring = parseKeys(seed, ports.seed);
    },
    async settle() {
      for (const { path, why, putAside } of bad) {
        const where = putAside === null ? '' : `; as it was: ${putAside}`;
        const now = kept === null ? ports.seed : `trust document version ${kept.document.version}`;
        await ports.speak(
          [],
          [{ event: 'quarantined', reason: `${path}: ${why}${where}; the keys are those of ${now}` }],
        );
      }
      bad = [];
      const next = inForce();
      const counted = memory.counted();
      const newer = kept !== null && kept.document.version > memory.version();
      const jws = kept === null ? null : readGeneral(kept.text, 'trust');
      const hash = newer && jws?.kind === 'general' ? sha256(jws.payload) : memory.hash();
      const version = newer ? (kept?.document.version ?? 0) : memory.version();
      if (counted === null) return ports.speak([trustRecord(version, hash, next)], []);
      if (!newer && sayChange(counted, next) === null) return;
      const words = kept === null ? `the keys of ${ports.seed}` : `trust document version ${kept.document.version}`;
      await change(next, version, hash, { event: 'trust', ...(kept === null ? {} : { version }) }, words);
    },
    ring: inForce,
    isOurs: ({ topic }) => parseOrderTopic(ports.root, topic)?.order === 'trust',
    async frame(frame) {
      const order = parseOrderTopic(ports.root, frame.topic);
      // An empty message is how a broker is made to forget a retained one; it says nothing about keys.
      if (order === null || frame.payload.length === 0) return;
      // One after the other: each is judged by the keys that the one before left in force.
      const work = last.then(() => take(frame, order.address));
      last = work.catch((error: unknown) => {
        if (!(error instanceof Failure)) throw error;
      });
      return work;
    },
  };
}
