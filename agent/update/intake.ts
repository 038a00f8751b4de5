import type { Frame } from '../ports/broker.ts';
import type { JournalRecord } from '../ports/journal.ts';
import type { Saying } from '../ports/outbox.ts';
import type { Sha256 } from '../ports/world.ts';
import type { Code, Refusal } from '../values/errors.ts';
import type { EventBody } from '../values/report.ts';
import { parseDesiredTopic } from '../values/topics.ts';
import { rfc3339 } from '../values/units.ts';
import type { Update } from '../values/update.ts';
import { updateDigest } from './content.ts';
import { answeredRecord, endedRecord, type HeldUpdate, heldRecord, type Ledger, triedRecord } from './ledger.ts';
import { type Envelope, type Parsed, parseDocument, parseFrame } from './parse.ts';
import { sameDocument } from './ref.ts';
import type { RefusalBudget } from './refusals.ts';
import { about, attemptOf } from './report.ts';
import type { Trials } from './trials.ts';
import { checkUpdate, checkVersion, type VerifyContext } from './verify.ts';

/** What became of a document at the door. */
export type Taken =
  | { readonly kind: 'held'; readonly held: HeldUpdate }
  /** Seen before; `held` is the one of the same place and version. */
  | { readonly kind: 'duplicate'; readonly held: HeldUpdate | null }
  | { readonly kind: 'empty' }
  | Refusal;

/** Makes records durable together with what is said about them, and then says it. */
export type Speak = (
  records: readonly JournalRecord[],
  events: readonly EventBody[],
  states?: readonly Saying[],
) => Promise<void>;

/** What the intake works with. */
export interface IntakePorts {
  readonly root: string;
  readonly ledger: Ledger;
  readonly trials: Trials;
  readonly speak: Speak;
  readonly budget: RefusalBudget;
  readonly sha256: Sha256;
  context(): VerifyContext;
  /**
   * Verifies signature and type, and reads the payload; `signed` says whether a trusted key stands behind the refusal. At once: nobody
   * revokes the key between this and the record that the document is held.
   */
  verify(
    jws: string,
  ):
    | { readonly kind: 'update'; readonly kid: string; readonly update: Update }
    | (Refusal & { readonly signed: boolean });
  /** A document was held: its config needs another look. */
  wake(config: string): void;
  count(what: 'duplicates' | 'superseded' | 'withdrawn'): void;
}

/** Takes documents in, one way for all: resolves when the answer is durable, which is when the broker may be told. */
export interface Intake {
  frame(frame: Frame): Promise<Taken>;
  file(payload: Uint8Array): Promise<Taken>;
  /** Says a refusal once per signed form, which `hash` names; judged again, it may pass meanwhile: a key was added, a group was joined. */
  refuse(hash: string, refusal: Refusal, signed: boolean, said: Partial<EventBody>): Promise<Refusal>;
}

/** Builds the held form of a verified update. */
export function toHeld(envelope: Envelope, kid: string, update: Update, sha256: Sha256): HeldUpdate {
  const digest = updateDigest(update, sha256);
  return {
    jws: envelope.jws,
    hash: envelope.hash,
    id: update.id,
    kid,
    config: update.config,
    address: update.aud,
    layer: update.layer,
    version: update.version,
    digest,
    sameness: JSON.stringify([digest, update.until ?? null, update.when ?? null, update.confirm ?? null]),
    iat: update.iat,
    exp: update.exp ?? null,
    until: update.until ?? null,
    expect: update.expect ?? null,
    rollout: update.rollout ?? null,
    when: update.when ?? null,
    confirm: update.confirm ?? null,
    retry: update.retry === true,
    ended: null,
    appliedPoweredS: null,
    covered: false,
  };
}

/** What says that a document is not for this device, or not of a config it has: no try of that config. */
const ELSEWHERE: readonly Code[] = ['wrong-audience', 'wrong-topic', 'not-managed'];

/** Opens the intake. */
export function openIntake(ports: IntakePorts): Intake {
  const { ledger, speak, budget, sha256 } = ports;

  const refused = async (
    hash: string,
    refusal: Refusal,
    signed: boolean,
    said: Partial<EventBody>,
    tried: readonly JournalRecord[] = [],
  ): Promise<Refusal> => {
    if (ledger.answered(hash)) {
      ports.count('duplicates');
      return refusal;
    }
    if (!budget.take(refusal.code, signed)) return refusal;
    const { code, reason, final } = refusal;
    const event: EventBody = { event: 'refused', ...said, code, reason, final };
    const alarm: readonly EventBody[] = code === 'version-reused' ? [{ event: 'alarm', ...said, code, reason }] : [];
    await speak([answeredRecord(hash), ...tried], [event, ...alarm]);
    return refusal;
  };

  const hold = async (held: HeldUpdate): Promise<Taken> => {
    const place = ledger.place(held.config, held.address, held.layer);
    const standing = checkVersion(held, place, ledger.mark(held.config, held.address, held.layer));
    if (typeof standing === 'object') return refused(held.hash, standing, true, about(held));
    if (standing === 'same') {
      ports.count('duplicates');
      return { kind: 'duplicate', held: place?.latest ?? null };
    }
    if (standing === 'renewal' && place !== null) {
      ports.count('duplicates');
      const { latest } = place;
      // The first one stays the document that is reported on; only its time to be applied grows.
      const exp = latest.exp === null || held.exp === null ? null : Math.max(latest.exp, held.exp);
      const renewed: HeldUpdate = { ...latest, jws: held.jws, hash: held.hash, exp };
      await speak([heldRecord(renewed)], [{ event: 'duplicate', ...about(held), reason: `renews ${latest.id}` }]);
      ports.wake(held.config);
      return { kind: 'duplicate', held: renewed };
    }
    const records: JournalRecord[] = [];
    const events: EventBody[] = [];
    // One that is being committed right now, or is on trial, is let finish: it gets the outcome that it comes to.
    const underWay = [ledger.intent(held.config), ports.trials.of(held.config)];
    const latest = place?.latest.ended === null ? place.latest : null;
    const open = underWay.some((one) => one !== null && sameDocument(latest, one.of)) ? null : latest;
    const tombstone = held.digest === null;
    if (open !== null) {
      const reason = `by version ${held.version}`;
      events.push({ event: tombstone ? 'withdrawn' : 'superseded', ...about(open), reason, final: true });
      records.push(endedRecord(open, tombstone ? 'withdrawn' : 'superseded', null));
    }
    records.push(heldRecord(held));
    if (tombstone) {
      events.push({ event: 'withdrawn', ...about(held), final: true });
      records.push(endedRecord(held, 'withdrawn', null));
      const reason = `by a withdrawal, version ${held.version} of ${held.layer} for ${held.address}`;
      if (ledger.pin(held.config) !== null) events.push({ event: 'unpinned', config: held.config, reason });
    }
    await speak(records, events);
    for (const { event } of events) if (event === 'superseded' || event === 'withdrawn') ports.count(event);
    ports.wake(held.config);
    return { kind: 'held', held };
  };

  const take = async (parsed: Parsed, said: Partial<EventBody>, garbageHash: () => string): Promise<Taken> => {
    if (parsed.kind === 'empty') return parsed;
    if (parsed.kind === 'refusal') return refused(garbageHash(), parsed, false, said);
    const { place } = parsed;
    const known = place === null ? null : ledger.place(place.config, place.address, place.layer);
    if (known !== null && known.latest.hash === parsed.hash) {
      ports.count('duplicates');
      return { kind: 'duplicate', held: known.latest };
    }
    const verified = ports.verify(parsed.jws);
    if (verified.kind === 'refusal') return refused(parsed.hash, verified, verified.signed, said);
    const { kid, update } = verified;
    const held = toHeld(parsed, kid, update, sha256);
    const refusal = checkUpdate(update, parsed.place, ports.context());
    if (refusal === null) return hold(held);
    // A new one for this device was tried, as far as it came: the fleet sees it in the state of its config too. An old one was not.
    const isTry =
      !ELSEWHERE.includes(refusal.code) && held.version > ledger.mark(held.config, held.address, held.layer);
    const attempt = attemptOf(held, 'refused', rfc3339(ports.context().nowS * 1000), refusal);
    const tried = isTry ? [triedRecord(held.config, { attempt, key: '' })] : [];
    await refused(parsed.hash, refusal, true, { ...about(held), ...said }, tried);
    if (isTry) ports.wake(held.config);
    return refusal;
  };

  return {
    refuse: refused,
    frame: (frame) => {
      const parsed = parseFrame(frame, ports.root, sha256);
      // The topic is known of garbage too.
      const place = parseDesiredTopic(ports.root, frame.topic);
      const said = place === null ? {} : { config: place.config, layer: place.layer, address: place.address };
      // Garbage that is retained comes again with every connect: it too gets one answer for each topic.
      return take(parsed, said, () => sha256(`${frame.topic}\n${sha256(frame.payload)}`));
    },
    file: (payload) => take(parseDocument(payload, null, sha256), {}, () => sha256(payload)),
  };
}
