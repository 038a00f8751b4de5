import type { Cancel, Clock, JournalRecord, LockDoor, Sha256, Targets } from '../ports.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import { Failure, type Refusal } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import type { ClockTrust, EventBody, Gate, LastAttempt, Outcome, Pending, Running } from '../values/report.ts';
import type { Address } from '../values/topics.ts';
import { baseName, rfc3339 } from '../values/units.ts';
import { admit, checkExpectation, hotRefusal } from './admit.ts';
import { type CommitPorts, commit, readContents } from './commit.ts';
import { contentsOf, digestOf, type FileContent } from './content.ts';
import type { Speak } from './intake.ts';
import {
  coveredRecord,
  endedRecord,
  type HeldUpdate,
  type Intent,
  intentOverRecord,
  ranRecord,
  triedRecord,
} from './ledger.ts';
import { recover } from './recover.ts';
import { about, attemptOf, refusalEvent, sayReported } from './report.ts';
import { hasExpired, hasFallenOff, type ResolveTime, resolve } from './resolve.ts';
import { discard, type OpenFile, stage, validate, withFiles } from './stage.ts';
import type { Validator } from './validate.ts';

/** What a step works with. */
export interface StepPorts extends CommitPorts {
  readonly configs: Readonly<Record<string, ConfigSettings>>;
  readonly addresses: readonly Address[];
  readonly clock: Clock;
  readonly sha256: Sha256;
  readonly targets: Targets;
  readonly validator: Validator;
  readonly locks: LockDoor;
  readonly speak: Speak;
  clockTrust(): ClockTrust;
  poweredS(): number;
  /** A journal record that the `iat` (epoch seconds) of an applied document is past. */
  clockApplied(iatS: number): JournalRecord;
  /** Words for who has a lock. */
  lockWords(lock: LockState): string;
  count(outcome: Outcome): void;
}

/** The state of one config. */
export interface ConfigView {
  readonly running: Running;
  readonly lastAttempt: LastAttempt | null;
  readonly pending: Pending | null;
}

/** How a step ended: at rest, to be followed by another at once, or to be tried again after a pause. */
export type StepEnd = 'rest' | 'again' | 'retry';

/** Moves one config one step nearer to what should be on disk. */
export interface Stepper {
  step(config: string): Promise<StepEnd>;
  view(config: string): ConfigView;
  /** Says the present state even if it was said before. */
  sayAgain(config: string): void;
}

/** What should be on disk: by a document, or (null) as it was before Locksmith. */
interface Goal {
  readonly held: HeldUpdate | null;
  readonly digest: string;
  readonly contents: readonly FileContent[];
}

/** What a step over one config has in hand. */
interface Scene {
  readonly config: string;
  readonly file: string;
  readonly settings: ConfigSettings;
  readonly open: readonly OpenFile[];
  readonly running: Running;
  readonly disk: ReturnType<typeof readContents>;
}

/** The time as the resolver needs it. */
export function resolveTime(ports: Pick<StepPorts, 'clock' | 'clockTrust' | 'poweredS'>): ResolveTime {
  return {
    nowS: Math.floor(ports.clock.wallMs() / 1000),
    clock: ports.clockTrust(),
    poweredS: ports.poweredS(),
  };
}

/** Makes the stepper; it keeps what waits in memory and everything else in the ledger. */
export function createStepper(ports: StepPorts): Stepper {
  const { ledger, speak, locks } = ports;
  const pending = new Map<string, Pending>();
  const lastSaid = new Map<string, string>();
  const waitingKey = new Map<string, string>();
  const watches = new Map<string, Cancel>();
  /** Digest on disk before Locksmith's first move, once it was read. */
  const untouched = new Map<string, string>();

  const view = (config: string): ConfigView => ({
    running: ledger.running(config) ?? {
      version: 0,
      layer: null,
      address: null,
      digest: untouched.get(config) ?? '',
      since: null,
    },
    lastAttempt: ledger.tried(config)?.attempt ?? null,
    pending: pending.get(config) ?? null,
  });
  const at = () => rfc3339(ports.clock.wallMs());

  /** Journals and says it all in one go; the state of the config is added if it will differ from what was said last. */
  const tell = async (
    config: string,
    records: readonly JournalRecord[],
    events: readonly EventBody[],
    next: Partial<ConfigView> = {},
  ) => {
    const state = { ...view(config), ...next };
    const saying = sayReported(config, state.running, state.lastAttempt, state.pending);
    const said = JSON.stringify(saying.body);
    const changed = lastSaid.get(config) !== said;
    if (records.length + events.length === 0 && !changed) return;
    await speak(records, events, changed ? [saying] : []);
    lastSaid.set(config, said);
  };
  const rest = async (config: string) => {
    pending.delete(config);
    waitingKey.delete(config);
    watches.get(config)?.();
    watches.delete(config);
    await tell(config, [], []);
    return 'rest' as const;
  };

  /** Ends a document without its content having gone in. */
  const end = async (held: HeldUpdate, outcome: 'refused' | 'expired', event: EventBody, refusal: Refusal | null) => {
    const attempt = attemptOf(held, outcome, at(), refusal);
    pending.delete(held.config);
    ports.count(outcome);
    const records = [endedRecord(held, outcome, null), triedRecord(held.config, { attempt, key: '' })];
    await tell(held.config, records, [event], { lastAttempt: attempt, pending: null });
    return 'again' as const;
  };
  const refuse = (held: HeldUpdate, refusal: Refusal) => end(held, 'refused', refusalEvent(held, refusal), refusal);
  const expire = (held: HeldUpdate, what: 'exp' | 'until') =>
    end(
      held,
      'expired',
      { event: 'expired', ...about(held), code: 'expired', reason: `${what} has passed while it waited`, final: true },
      { kind: 'refusal', code: 'expired', reason: `${what} has passed while it waited`, final: true },
    );

  /** The goal waits; what it waits for is said once per document and reason. */
  const wait = async (scene: Scene, goal: Goal, gate: Gate, refusal: Refusal, key: string) => {
    const { config } = scene;
    const { held } = goal;
    const waits: Pending = { id: held?.id ?? null, version: held?.version ?? 0, waiting_for: [gate] };
    pending.set(config, waits);
    const fullKey = `${held?.hash ?? 'original'} ${key}`;
    const known = held?.ended === null ? ledger.tried(config)?.key : waitingKey.get(config);
    waitingKey.set(config, fullKey);
    if (known === fullKey) {
      await tell(config, [], []);
    } else if (held !== null && held.ended === null) {
      const attempt = attemptOf(held, 'refused', at(), refusal);
      if (gate === 'lock') locks.refused(config);
      await tell(config, [triedRecord(config, { attempt, key: fullKey })], [refusalEvent(held, refusal)], {
        lastAttempt: attempt,
      });
    } else {
      const { code, reason } = refusal;
      await tell(config, [], [{ event: 'waiting', config, code, reason, ...(held === null ? {} : about(held)) }]);
    }
    return gate === 'lock' ? ('rest' as const) : ('retry' as const);
  };
  const waitForLock = (scene: Scene, goal: Goal, lock: LockState) => {
    const { config, file, settings } = scene;
    const refusal = hotRefusal({ file, onHot: settings.on_hot, lock, lockWords: ports.lockWords(lock) });
    if (refusal.final && goal.held !== null && goal.held.ended === null) {
      locks.refused(config);
      return refuse(goal.held, refusal);
    }
    if (!watches.has(config)) watches.set(config, locks.expectCold(config));
    const holder = lock.holder === null ? (lock.verdict ?? '') : `${lock.holder.pid} ${lock.holder.start}`;
    return wait(scene, goal, 'lock', { ...refusal, final: false }, holder);
  };

  /** The goal is on disk: the outcome, what runs and the report become durable together. */
  const complete = async (scene: Scene, goal: Goal, changed: boolean, intent: boolean) => {
    const { config, running: before } = scene;
    const { held } = goal;
    const time = resolveTime(ports);
    const running: Running = {
      version: held?.version ?? 0,
      layer: held?.layer ?? null,
      address: held?.address ?? null,
      digest: goal.digest,
      since: at(),
    };
    const events: EventBody[] = [];
    const records: JournalRecord[] = [ranRecord(config, running), ...(intent ? [intentOverRecord(config)] : [])];
    const fallen = ledger
      .places(config)
      .flatMap(({ latest, applied }) => [latest, ...(applied === null ? [] : [applied])])
      .find((old) => old.layer === before.layer && old.address === before.address && old.version === before.version);
    if (fallen !== undefined && hasFallenOff(fallen, time)) {
      events.push({ event: 'expired', ...about(fallen), reason: 'until has passed: the shadow falls off' });
    }
    let lastAttempt: LastAttempt | null = view(config).lastAttempt;
    if (held === null) {
      events.push({
        event: 'applied',
        config,
        version: 0,
        digest: goal.digest,
        changed,
        reason: 'as before Locksmith',
      });
    } else {
      const first = held.ended === null;
      lastAttempt = attemptOf(held, 'applied', running.since ?? '', null);
      events.push({
        event: 'applied',
        ...about(held),
        digest: goal.digest,
        changed,
        ...(first ? { final: true } : { reason: 'uncovered' }),
      });
      if (first) {
        ports.count('applied');
        records.push(endedRecord(held, 'applied', time.poweredS), ports.clockApplied(held.iat));
      }
      records.push(triedRecord(config, { attempt: lastAttempt, key: '' }));
    }
    pending.delete(config);
    waitingKey.delete(config);
    watches.get(config)?.();
    watches.delete(config);
    await tell(config, records, events, { running, lastAttempt, pending: null });
    return 'again' as const;
  };

  /** Stages and commits the goal. */
  const move = async (scene: Scene, goal: Goal): Promise<StepEnd> => {
    const { config, file, settings, open } = scene;
    const { held } = goal;
    const lock = locks.look(config);
    const admission = admit({
      file,
      onHot: settings.on_hot,
      lock,
      lockWords: lock.state === 'HOT' ? ports.lockWords(lock) : '',
    });
    if (admission.kind !== 'admitted') return waitForLock(scene, goal, lock);
    if (held !== null) {
      const refusal = await validate(ports.validator, open, goal.contents);
      if (refusal !== null && held.ended === null) return refuse(held, refusal);
    }
    const withDigests = goal.contents.map(({ name, bytes }) => ({
      name,
      bytes,
      digest: bytes === null ? null : digestOf(bytes, ports.sha256),
    }));
    const files = await stage(open, withDigests);
    let committed: Awaited<ReturnType<typeof commit>> | null = null;
    try {
      committed = await commit(ports, {
        config,
        file,
        hash: held?.hash ?? null,
        files,
        expect: held !== null && held.ended === null ? held.expect : null,
      });
    } finally {
      // After a failure in the middle of the renames the journalled intent needs the staged files.
      if (committed === null ? ledger.intent(config) === null : committed.kind !== 'committed') discard(files);
    }
    switch (committed.kind) {
      case 'committed':
        return complete(scene, goal, true, true);
      case 'hot':
        return waitForLock(scene, goal, committed.lock);
      case 'refusal':
        return held === null ? 'retry' : refuse(held, committed);
    }
  };

  /** Ends a commit that was cut off; null if it went back and the step goes on afresh. */
  const finish = async (scene: Scene, goal: Goal, intent: Intent): Promise<StepEnd | null> => {
    const ended = await recover(ports, intent, scene.open, goal.contents);
    switch (ended.kind) {
      case 'back':
        return null;
      case 'forward':
        return complete(scene, goal, true, true);
      case 'hot':
        return waitForLock(scene, goal, ended.lock);
    }
  };

  const goalOf = (config: string, held: HeldUpdate | null): Goal | null => {
    if (held !== null) return { held, digest: held.digest ?? '', contents: contentsOf(held.jws) };
    const original = ledger.original(config);
    return original === null ? null : { held: null, digest: original.digest, contents: ports.keeper.read(original) };
  };
  /** The goal a cut-off commit was going for, found again among what is held. */
  const goalOfIntent = (intent: Intent): Goal | null => {
    if (intent.hash === null) return goalOf(intent.config, null);
    const held = ledger
      .places(intent.config)
      .flatMap(({ latest, applied }) => [latest, ...(applied === null ? [] : [applied])])
      .find(({ hash }) => hash === intent.hash);
    return held === undefined ? null : goalOf(intent.config, held);
  };

  const stepOver = async (config: string, settings: ConfigSettings): Promise<StepEnd> => {
    const time = resolveTime(ports);
    const places = ledger.places(config);
    const fallen = places.find(({ latest }) => latest.ended === null && hasFallenOff(latest, time));
    const { effective, covered } = resolve(places, ports.addresses, time);
    const intent = ledger.intent(config);
    if (intent === null && fallen !== undefined) return expire(fallen.latest, 'until');
    if (intent === null && effective !== null && hasExpired(effective, time)) return expire(effective, 'exp');
    const fresh = covered.filter((held) => !held.covered);
    if (fresh.length > 0) {
      await tell(
        config,
        fresh.map((held) => coveredRecord(held, true)),
        fresh.map((held) => ({
          event: 'covered' as const,
          ...about(held),
          reason: `${effective?.layer} version ${effective?.version} for ${effective?.address} stands above it`,
        })),
      );
    }
    return withFiles(ports.targets, settings, async (open): Promise<StepEnd> => {
      const disk = readContents(open, ports.sha256);
      if (ledger.running(config) === null) untouched.set(config, disk.digest);
      const { running } = view(config);
      const scene: Scene = { config, file: baseName(settings.files[0]?.path ?? config), settings, open, running, disk };
      if (intent !== null) {
        const cutOff = goalOfIntent(intent);
        const ended = cutOff === null ? null : await finish(scene, cutOff, intent);
        if (ended !== null) return ended;
      }
      const runs =
        effective === null
          ? running.layer === null
          : effective.ended === 'applied' &&
            running.version === effective.version &&
            running.layer === effective.layer &&
            running.address === effective.address;
      if (runs) return rest(config);
      const goal = goalOf(config, effective);
      if (goal === null) return rest(config);
      if (disk.digest !== goal.digest) return move(scene, goal);
      const { held } = goal;
      const refusal =
        held === null || held.ended !== null || held.expect === null
          ? null
          : checkExpectation(scene.file, held.expect, { digest: disk.digest, token: locks.look(config).token });
      if (held !== null && refusal !== null) return refuse(held, refusal);
      return complete(scene, goal, false, false);
    });
  };

  return {
    async step(config) {
      const settings = ports.configs[config];
      if (settings === undefined) return 'rest';
      try {
        return await stepOver(config, settings);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const { effective } = resolve(ledger.places(config), ports.addresses, resolveTime(ports));
        if (effective === null || effective.ended !== null) throw error;
        const refusal: Refusal = { kind: 'refusal', code: error.code, reason: error.message, final: !error.retry };
        if (refusal.final) return refuse(effective, refusal);
        const goal: Goal = { held: effective, digest: effective.digest ?? '', contents: [] };
        const { running } = view(config);
        const disk = { contents: [], digests: [], digest: running.digest };
        const scene: Scene = { config, file: config, settings, open: [], running, disk };
        return wait(scene, goal, 'disk', refusal, error.code);
      }
    },
    view,
    sayAgain: (config) => lastSaid.delete(config),
  };
}
