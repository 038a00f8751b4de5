import type { JournalMemory, JournalRecord } from '../ports.ts';
import type { LastAttempt, Outcome, Running } from '../values/report.ts';
import type { Address, Layer } from '../values/topics.ts';
import type { Expectation } from '../values/update.ts';

/** An update that passed all of verify and is kept: its signed form, and what the resolver needs of it. */
export interface HeldUpdate {
  readonly jws: string;
  /** SHA-256 of the signed form, hex. */
  readonly hash: string;
  readonly id: string;
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
  /** Outcome, once it has one. */
  readonly ended: Outcome | null;
  /** Powered time of the device, in seconds, when it was applied; null before. */
  readonly appliedPoweredS: number | null;
  /** True once it was hidden by a more specific one: it was reported then, and from then on it never expires. */
  readonly covered: boolean;
}

/** Which document: a version names one document of a place, and a renewal goes on under the same version. */
export interface HeldRef {
  readonly config: string;
  readonly address: Address;
  readonly layer: Layer;
  readonly version: number;
}

/** True if both are the same document. */
export function sameDocument(a: HeldRef | null, b: HeldRef | null): boolean {
  if (a === null || b === null) return a === b;
  return a.config === b.config && a.address === b.address && a.layer === b.layer && a.version === b.version;
}

/** Everything held for one (config, address, layer). */
export interface Place {
  readonly config: string;
  readonly address: Address;
  readonly layer: Layer;
  /** The highest version seen: it never falls. */
  readonly mark: number;
  /** The newest document, whatever became of it. */
  readonly latest: HeldUpdate;
  /** The last one that was applied here, if the newest was not. */
  readonly applied: HeldUpdate | null;
}

/** One file of a commit under way. Digests are `sha256:…`; null where the file is absent. */
export interface IntentFile {
  readonly name: string;
  /** Name of the staged file beside it; null where the file is to be removed. */
  readonly staged: string | null;
  readonly digest: string | null;
  readonly before: string | null;
}

/** A commit under way: journalled before the first rename, cleared with its outcome. */
export interface Intent {
  readonly config: string;
  /** The document, or null for a return to what was there before Locksmith. */
  readonly of: HeldRef | null;
  readonly files: readonly IntentFile[];
  /** The token found before the agent's own grant. */
  readonly tokenBefore: number;
}

/** The content of a config kept as it was: before Locksmith's first move, or before a move that overwrote a drift. */
export interface Kept {
  readonly config: string;
  readonly why: 'original' | 'drift';
  readonly digest: string;
  /** Base name and digest of each file; null where the file was absent. */
  readonly files: readonly { readonly name: string; readonly digest: string | null }[];
}

/** What was tried last, and what it was refused for, so that the same refusal is not said twice. */
export interface Tried {
  readonly attempt: LastAttempt;
  readonly key: string;
}

/** How many signed forms that were refused before they could be held are remembered. */
const ANSWERED_KEPT = 512;
/** How many drifted contents are kept per config. */
const DRIFTS_KEPT = 8;

/** The update room's memory: documents, marks, what runs, what is under way. Read with its methods, changed by records only. */
export interface Ledger extends JournalMemory {
  places(config: string): readonly Place[];
  place(config: string, address: Address, layer: Layer): Place | null;
  running(config: string): Running | null;
  intent(config: string): Intent | null;
  /** The document of the intent, also if a newer one has taken its place meanwhile; null for none. */
  underWay(config: string): HeldUpdate | null;
  /** The token that a commit of this document found before it was cut off and taken back; null if there was none. */
  tokenFound(config: string, of: HeldRef | null): number | null;
  original(config: string): Kept | null;
  kept(): readonly Kept[];
  tried(config: string): Tried | null;
  /** True if this signed form was refused before: it gets no second answer. */
  answered(hash: string): boolean;
}

/** Names a document. */
export function refOf({ config, address, layer, version }: HeldUpdate): HeldRef {
  return { config, address, layer, version };
}

/** Records of this room. */
export const heldRecord = (held: HeldUpdate): JournalRecord => ({ t: 'held', held });
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
export const coveredRecord = (held: HeldUpdate, covered: boolean): JournalRecord => ({
  t: 'covered',
  ...refOf(held),
  covered,
});
export const ranRecord = (config: string, running: Running): JournalRecord => ({ t: 'ran', config, running });
export const intentRecord = (intent: Intent): JournalRecord => ({ t: 'intent', intent });
/** `back`: it was cut off and taken back. What is tried again is held against the token found then, not against our own grant. */
export const intentOverRecord = (config: string, back = false): JournalRecord => ({ t: 'intent-over', config, back });
export const triedRecord = (config: string, tried: Tried): JournalRecord => ({ t: 'tried', config, tried });
export const answeredRecord = (hash: string): JournalRecord => ({ t: 'answered', hash });
export const keptRecord = (kept: Kept): JournalRecord => ({ t: 'kept', kept });

type Stored =
  | { t: 'held'; held: HeldUpdate }
  | ({ t: 'ended'; outcome: Outcome; powered_s: number | null } & HeldRef)
  | { t: 'applied-behind'; held: HeldUpdate }
  | ({ t: 'covered'; covered: boolean } & HeldRef)
  | { t: 'ran'; config: string; running: Running }
  | { t: 'intent'; intent: Intent }
  | { t: 'intent-over'; config: string; back: boolean }
  | { t: 'tried'; config: string; tried: Tried }
  | { t: 'answered'; hash: string }
  | { t: 'kept'; kept: Kept };

const TYPES = [
  'held',
  'ended',
  'applied-behind',
  'covered',
  'ran',
  'intent',
  'intent-over',
  'tried',
  'answered',
  'kept',
] as const;

/** Records of this room were written by this room and carry a check: their type is all that is looked at. */
function isStored(record: JournalRecord): record is JournalRecord & Stored {
  return TYPES.some((type) => type === record.t);
}

/** Makes an empty ledger; the journal folds its records in. */
export function createLedger(): Ledger {
  const places = new Map<string, Map<string, Place>>();
  const running = new Map<string, Running>();
  const intents = new Map<string, Intent>();
  const underWay = new Map<string, HeldUpdate>();
  const takenBack = new Map<string, Intent>();
  const kept: Kept[] = [];
  const tried = new Map<string, Tried>();
  const answered = new Set<string>();

  const of = (config: string): Map<string, Place> => {
    const found = places.get(config) ?? new Map<string, Place>();
    places.set(config, found);
    return found;
  };
  const keyOf = (address: Address, layer: Layer) => `${layer} ${address}`;

  const hold = (held: HeldUpdate) => {
    const key = keyOf(held.address, held.layer);
    const before = of(held.config).get(key);
    const renewed = before !== undefined && before.latest.version === held.version;
    const lastApplied =
      before !== undefined && before.latest.ended === 'applied' && !renewed ? before.latest : (before?.applied ?? null);
    of(held.config).set(key, {
      config: held.config,
      address: held.address,
      layer: held.layer,
      mark: Math.max(held.version, before?.mark ?? 0),
      latest: held,
      // A tombstone takes back all that was said here.
      applied: held.digest === null ? null : lastApplied,
    });
  };
  const change = (ref: HeldRef, with_: (held: HeldUpdate) => HeldUpdate) => {
    const key = keyOf(ref.address, ref.layer);
    const place = of(ref.config).get(key);
    if (place === undefined) return;
    if (place.latest.version === ref.version) of(ref.config).set(key, { ...place, latest: with_(place.latest) });
    else if (place.applied?.version === ref.version)
      of(ref.config).set(key, { ...place, applied: with_(place.applied) });
  };
  const behind = (held: HeldUpdate) => {
    const key = keyOf(held.address, held.layer);
    const place = of(held.config).get(key);
    // A tombstone that came meanwhile took this one back as well.
    if (place !== undefined && place.latest.digest !== null) of(held.config).set(key, { ...place, applied: held });
  };
  const begin = (intent: Intent) => {
    intents.set(intent.config, intent);
    takenBack.delete(intent.config);
    const { of: ref } = intent;
    const place = ref === null ? undefined : of(ref.config).get(keyOf(ref.address, ref.layer));
    const held = [place?.latest, place?.applied].find((one) => one && sameDocument(one, ref));
    if (held) underWay.set(intent.config, held);
    else underWay.delete(intent.config);
  };
  const finish = (config: string, back: boolean) => {
    const intent = intents.get(config);
    if (back && intent !== undefined) takenBack.set(config, intent);
    else takenBack.delete(config);
    intents.delete(config);
    underWay.delete(config);
  };
  /** Records of what is under way; a document whose place was taken comes before the one that took it. */
  const beginRecords = (intent: Intent): readonly JournalRecord[] => {
    const held = underWay.get(intent.config);
    return [...(held === undefined ? [] : [heldRecord(held)]), intentRecord(intent)];
  };
  const keep = (entry: Kept) => {
    kept.push(entry);
    const drifts = kept.filter(({ config, why }) => config === entry.config && why === 'drift');
    const oldest = drifts[0];
    if (drifts.length > DRIFTS_KEPT && oldest !== undefined) kept.splice(kept.indexOf(oldest), 1);
  };

  const remember = (hash: string) => {
    answered.delete(hash);
    answered.add(hash);
    const oldest = answered.values().next();
    if (answered.size > ANSWERED_KEPT && oldest.done !== true) answered.delete(oldest.value);
  };

  return {
    types: TYPES,
    fold(record) {
      if (!isStored(record)) return;
      switch (record.t) {
        case 'held':
          hold(record.held);
          break;
        case 'ended':
          change(record, (held) => ({ ...held, ended: record.outcome, appliedPoweredS: record.powered_s }));
          break;
        case 'applied-behind':
          behind(record.held);
          break;
        case 'covered':
          change(record, (held) => ({ ...held, covered: record.covered }));
          break;
        case 'ran':
          running.set(record.config, record.running);
          break;
        case 'intent':
          begin(record.intent);
          break;
        case 'intent-over':
          finish(record.config, record.back);
          break;
        case 'tried':
          tried.set(record.config, record.tried);
          break;
        case 'answered':
          remember(record.hash);
          break;
        case 'kept':
          keep(record.kept);
          break;
      }
    },
    snapshot() {
      const records: JournalRecord[] = [];
      for (const config of places.values()) {
        for (const place of config.values()) {
          const intent = intents.get(place.config);
          const { address, layer } = intent?.of ?? {};
          if (intent && address === place.address && layer === place.layer) records.push(...beginRecords(intent));
          if (place.applied !== null) records.push(heldRecord(place.applied));
          records.push(heldRecord(place.latest));
        }
      }
      for (const [config, state] of running) records.push(ranRecord(config, state));
      for (const entry of kept) records.push(keptRecord(entry));
      for (const intent of intents.values()) if (!underWay.has(intent.config)) records.push(intentRecord(intent));
      for (const intent of takenBack.values())
        records.push(intentRecord(intent), intentOverRecord(intent.config, true));
      for (const [config, last] of tried) records.push(triedRecord(config, last));
      for (const hash of answered) records.push(answeredRecord(hash));
      return records;
    },
    places: (config) => [...(places.get(config)?.values() ?? [])],
    place: (config, address, layer) => places.get(config)?.get(keyOf(address, layer)) ?? null,
    running: (config) => running.get(config) ?? null,
    intent: (config) => intents.get(config) ?? null,
    underWay: (config) => underWay.get(config) ?? null,
    tokenFound(config, of) {
      const intent = takenBack.get(config);
      return intent !== undefined && sameDocument(intent.of, of) ? intent.tokenBefore : null;
    },
    original: (config) => kept.find((entry) => entry.config === config && entry.why === 'original') ?? null,
    kept: () => kept,
    tried: (config) => tried.get(config) ?? null,
    answered: (hash) => answered.has(hash),
  };
}
