import type { JournalMemory, JournalRecord } from '../ports/journal.ts';
import type { ConfirmedBy, LastAttempt, Outcome, Running } from '../values/report.ts';
import type { Address, Layer } from '../values/topics.ts';
import type { Confirm, Expectation, When } from '../values/update.ts';
import type { GenerationCount } from './generations.ts';
import { createPast, PAST_TYPES, type Past } from './past.ts';
import { createPlaces, type Raised } from './places.ts';
import { type HeldRef, sameDocument } from './ref.ts';
import { createUnderWay, type Intent } from './under-way.ts';

/** An update that passed all of verify and is kept: its signed form, and what the resolver needs of it. */
export interface HeldUpdate {
  readonly jws: string;
  /** SHA-256 of the signed form, hex. */
  readonly hash: string;
  readonly id: string;
  /** Id of the key that signed it. */
  readonly kid: string;
  readonly config: string;
  readonly address: Address;
  readonly layer: Layer;
  readonly version: number;
  /** Digest of the config it asks for; null for a tombstone. */
  readonly digest: string | null;
  /** What must be equal for another document of the same version to be a renewal. */
  readonly sameness: string;
  /** Epoch seconds. */
  readonly iat: number;
  readonly exp: number | null;
  readonly until: number | null;
  readonly expect: Expectation | null;
  readonly when: When | null;
  /** The roll-out it belongs to; null: none. */
  readonly rollout: string | null;
  /** Why a technician lets it pass whatever halt there is; absent: nobody does. */
  readonly despiteHalt?: string;
  readonly confirm: Confirm | null;
  /** To be tried also if its content failed on this device before. */
  readonly retry: boolean;
  /** Outcome, once it has one. */
  readonly ended: Outcome | null;
  /** Powered time of the device, in seconds, when it was applied; null before. */
  readonly appliedPoweredS: number | null;
  /** True once it was hidden by a more specific one: it was reported then, and from then on it never expires. */
  readonly covered: boolean;
}

/** Everything held for one (config, address, layer). */
export interface Place {
  readonly config: string;
  readonly address: Address;
  readonly layer: Layer;
  /** The highest version seen: it falls only where a key is revoked that alone had raised it. */
  readonly mark: number;
  /** The newest document, whatever became of it. */
  readonly latest: HeldUpdate;
  /** The last one that was applied here, if the newest was not. */
  readonly applied: HeldUpdate | null;
}

/** What was tried last, and what it was refused for, so that the same refusal is not said twice. */
export interface Tried {
  readonly attempt: LastAttempt;
  readonly key: string;
}

/** How many signed forms that are not held, but have had their answer, are remembered. */
const ANSWERED_KEPT = 512;

/** The update room's memory: documents, marks, what runs, what is under way. Read with its methods, changed by records only. */
export interface Ledger extends JournalMemory, Past {
  /** Configs that something is held for. */
  configs(): readonly string[];
  places(config: string): readonly Place[];
  place(config: string, address: Address, layer: Layer): Place | null;
  /** The highest version seen there, also if nothing is held there any more; 0 if none was. */
  mark(config: string, address: Address, layer: Layer): number;
  running(config: string): Running | null;
  intent(config: string): Intent | null;
  /** The document of the intent, also if a newer one has taken its place meanwhile; null for none. */
  underWay(config: string): HeldUpdate | null;
  /** The token that a commit of this document found before it was cut off and taken back; null if there was none. */
  tokenFound(config: string, of: HeldRef | null): number | null;
  /** A document that is held or being committed; null if it is neither, or for null. */
  find(of: HeldRef | null): HeldUpdate | null;
  /** What proved that which runs; null before the first move. */
  confirmedBy(config: string): ConfirmedBy | null;
  /** The signed form of a document that is held or being committed; null if it is neither. */
  signedForm(of: HeldRef): string | null;
  tried(config: string): Tried | null;
  /** True if this signed form was refused before, or a newer one has taken its place: it gets no second answer. */
  answered(hash: string): boolean;
}

/** Names a document. */
export function refOf({ config, address, layer, version }: HeldUpdate): HeldRef {
  return { config, address, layer, version };
}

/** The record of a document that was taken in; the records below are what becomes of it. */
export const heldRecord = (held: HeldUpdate): JournalRecord => ({ t: 'held', held });
/** The outcome of a document; `poweredS` where it was applied. */
export const endedRecord = (held: HeldUpdate, outcome: Outcome, poweredS: number | null): JournalRecord => ({
  t: 'ended',
  ...refOf(held),
  outcome,
  powered_s: poweredS,
});
/** A document that was applied while a newer one arrived: it stands behind that one from now on. */
export const appliedBehindRecord = (held: HeldUpdate, poweredS: number): JournalRecord => ({
  t: 'applied-behind',
  held: { ...held, ended: 'applied', appliedPoweredS: poweredS },
});
/** A more specific document stands above it now, or does no more. */
export const coveredRecord = (held: HeldUpdate, covered: boolean): JournalRecord => ({
  ...{ t: 'covered', ...refOf(held), covered },
});
/** A technician lets it pass whatever halt there is. */
export const despiteHaltRecord = (held: HeldUpdate, why: string): JournalRecord => ({
  t: 'despite-halt',
  ...refOf(held),
  why,
});
/** What runs from now on. */
export const ranRecord = (config: string, running: Running, by: ConfirmedBy = 'none'): JournalRecord => ({
  ...{ t: 'ran', config, running, by },
});
/** A commit begins: what is needed to finish it or take it back. `held`: its document, if that is not held anywhere else any more. */
export const intentRecord = (intent: Intent, held: HeldUpdate | null = null): JournalRecord => ({
  t: 'intent',
  intent,
  ...(held === null ? {} : { held }),
});
/** `back`: it was cut off and taken back. What is tried again is held against the token found then, not against our own grant. */
export const intentOverRecord = (config: string, back = false): JournalRecord => ({ t: 'intent-over', config, back });
/** What was tried last, and what came of it. */
export const triedRecord = (config: string, tried: Tried): JournalRecord => ({ t: 'tried', config, tried });
/** This signed form was refused: it gets no second answer. */
export const answeredRecord = (hash: string): JournalRecord => ({ t: 'answered', hash });
/** These keys count no more: what they signed is dropped, and the marks that only they had raised. */
export const revokedRecord = (kids: readonly string[]): JournalRecord => ({ t: 'revoked', kids });
/** A mark that none of the documents held stands for any more. */
const raisedRecord = (raised: Raised): JournalRecord => ({ t: 'raised', ...raised });

type Stored =
  | { t: 'held'; held: HeldUpdate }
  | ({ t: 'ended'; outcome: Outcome; powered_s: number | null } & HeldRef)
  | { t: 'applied-behind'; held: HeldUpdate }
  | ({ t: 'covered'; covered: boolean } & HeldRef)
  | ({ t: 'despite-halt'; why: string } & HeldRef)
  | { t: 'ran'; config: string; running: Running; by: ConfirmedBy }
  | { t: 'intent'; intent: Intent; held?: HeldUpdate }
  | { t: 'intent-over'; config: string; back: boolean }
  | { t: 'tried'; config: string; tried: Tried }
  | { t: 'answered'; hash: string }
  | { t: 'revoked'; kids: readonly string[] }
  | ({ t: 'raised' } & Raised);

const DOCUMENTS = ['held', 'ended', 'applied-behind', 'covered', 'despite-halt', 'tried', 'answered'] as const;
const MOVES = ['ran', 'intent', 'intent-over', 'revoked', 'raised'] as const;
const TYPES = [...DOCUMENTS, ...MOVES] as const;

/** Records of this room were written by this room and carry a check: their type is all that is looked at. */
function isStored(record: JournalRecord): record is JournalRecord & Stored {
  return TYPES.some((type) => type === record.t);
}

/** Makes an empty ledger; the journal folds its records in. `countOf`: how many generations of a kind a config keeps. */
export function createLedger(countOf?: GenerationCount): Ledger {
  const places = createPlaces();
  const running = new Map<string, { readonly what: Running; readonly by: ConfirmedBy }>();
  const underWay = createUnderWay();
  const tried = new Map<string, Tried>();
  const answered = new Set<string>();
  /** Keys that were revoked, until something signed by one is held again. */
  const revoked = new Set<string>();

  const find = (of: HeldRef | null) => {
    const found = of === null ? null : (places.find(of) ?? underWay.held(of.config));
    return found !== null && sameDocument(found, of) ? found : null;
  };
  const signedForm = (of: HeldRef) => find(of)?.jws ?? null;
  const past = createPast(signedForm, countOf);

  const remember = (hash: string) => {
    answered.delete(hash);
    answered.add(hash);
    const oldest = answered.values().next();
    if (answered.size > ANSWERED_KEPT && oldest.done !== true) answered.delete(oldest.value);
  };
  /** A broker that has not seen the newer one hands out the older at every connect. It has, or will have, its one outcome. */
  const displaced = (by: HeldUpdate) => {
    const before = places.at(by)?.latest;
    if (before !== undefined && before.hash !== by.hash) remember(before.hash);
  };

  return {
    types: [...TYPES, ...PAST_TYPES],
    fold(record) {
      past.fold(record);
      if (!isStored(record)) return;
      switch (record.t) {
        case 'held':
          revoked.delete(record.held.kid);
          if (record.held.version > places.mark(record.held)) past.came(refOf(record.held), record.held.digest);
          displaced(record.held);
          places.hold(record.held);
          break;
        case 'ended':
          places.change(record, (held) => ({ ...held, ended: record.outcome, appliedPoweredS: record.powered_s }));
          if (record.outcome === 'rolled-back') past.tookBack(record);
          break;
        case 'applied-behind':
          if (!revoked.has(record.held.kid)) places.behind(record.held);
          break;
        case 'covered':
          places.change(record, (held) => ({ ...held, covered: record.covered }));
          break;
        case 'despite-halt':
          places.change(record, (held) => ({ ...held, despiteHalt: record.why }));
          break;
        case 'ran':
          running.set(record.config, { what: record.running, by: record.by });
          past.ran(record.config);
          break;
        case 'intent':
          underWay.begin(record.intent, record.held ?? find(record.intent.of));
          break;
        case 'intent-over':
          underWay.finish(record.config, record.back);
          break;
        case 'tried':
          tried.set(record.config, record.tried);
          break;
        case 'answered':
          remember(record.hash);
          break;
        case 'revoked':
          for (const kid of record.kids) revoked.add(kid);
          places.revoke(record.kids);
          past.revoke(record.kids);
          break;
        case 'raised':
          places.raise(record);
          break;
      }
    },
    snapshot() {
      const records: JournalRecord[] = revoked.size === 0 ? [] : [revokedRecord([...revoked])];
      for (const raised of places.raised()) records.push(raisedRecord(raised));
      for (const place of places.all()) {
        if (place.applied !== null) records.push(heldRecord(place.applied));
        records.push(heldRecord(place.latest));
      }
      for (const [config, { what, by }] of running) records.push(ranRecord(config, what, by));
      records.push(...past.snapshot());
      for (const { intent, held } of underWay.all()) {
        // One whose place was taken, or whose key was revoked, is held here alone.
        records.push(intentRecord(intent, places.find(intent.of) === held ? null : held));
      }
      for (const intent of underWay.takenBack())
        records.push(intentRecord(intent), intentOverRecord(intent.config, true));
      for (const [config, last] of tried) records.push(triedRecord(config, last));
      for (const hash of answered) records.push(answeredRecord(hash));
      return records;
    },
    configs: () => [...new Set(places.all().map(({ config }) => config))],
    places: places.of,
    place: (config, address, layer) => places.at({ config, address, layer }),
    mark: (config, address, layer) => places.mark({ config, address, layer }),
    running: (config) => running.get(config)?.what ?? null,
    confirmedBy: (config) => running.get(config)?.by ?? null,
    intent: underWay.intent,
    underWay: underWay.held,
    tokenFound: underWay.tokenFound,
    find,
    signedForm,
    ...past.past,
    tried: (config) => tried.get(config) ?? null,
    answered: (hash) => answered.has(hash),
  };
}
