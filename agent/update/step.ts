import type { LockDoor } from '../ports/lock.ts';
import type { Targets } from '../ports/targets.ts';
import type { Clock } from '../ports/world.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import { Failure, type Refusal } from '../values/errors.ts';
import type { Running } from '../values/report.ts';
import type { Address } from '../values/topics.ts';
import { baseName } from '../values/units.ts';
import { type Admission, checkExpectation, unmetLock, type Waits } from './admit.ts';
import { type CommitPorts, type Committed, commit, readContents } from './commit.ts';
import { digestOf } from './content.ts';
import { type CutOff, endCutOff } from './cut-off.ts';
import { createDrifts } from './drift.ts';
import { createEndings, type EndingPorts } from './endings.ts';
import type { Fetches } from './fetches.ts';
import { createGates, type GatePlace, type GatePorts, isFresh } from './gates.ts';
import { type Goal, goalOf, goalOfIntent, isOpen } from './goal.ts';
import type { Speak } from './intake.ts';
import { coveredRecord, type HeldUpdate, refOf } from './ledger.ts';
import { recover } from './recover.ts';
import { about } from './report.ts';
import { hasExpired, hasFallenOff, resolve } from './resolve.ts';
import { type ConfigView, createSaid } from './said.ts';
import { discard, type OpenFile, stage, validate, withFiles } from './stage.ts';
import type { Validator } from './validate.ts';
import { createWaiting } from './waiting.ts';

/** What a step works with. */
export interface StepPorts extends CommitPorts, Omit<EndingPorts, 'said'>, GatePorts {
  readonly configs: Readonly<Record<string, ConfigSettings>>;
  readonly addresses: readonly Address[];
  readonly clock: Clock;
  readonly locks: LockDoor;
  readonly targets: Targets;
  readonly validator: Validator;
  readonly speak: Speak;
  readonly fetches: Fetches;
}

/** How a step ended: at rest, to be followed by another at once, or to be tried again after a pause. */
export type StepEnd = 'rest' | 'again' | 'retry';

/** Moves one config one step nearer to what should be on disk. */
export interface Stepper {
  /** Ends a commit that a crash cut off and does nothing else; null if there is none. Rejects with Failure. */
  recover(config: string): Promise<CutOff | null>;
  step(config: string): Promise<StepEnd>;
  /** When the clock will change by itself what a config waits for, Unix milliseconds; null: it will not. */
  turnMs(config: string): number | null;
  /** The next step looks for edits by hand. */
  inspect(config: string): void;
  view(config: string): ConfigView;
}

/** What a step over one config has in hand. */
interface Scene extends GatePlace {
  readonly open: readonly OpenFile[];
}

/** True if what runs is what is effective. */
function isRunning(running: Running, effective: HeldUpdate | null): boolean {
  if (effective === null) return running.layer === null;
  const { version, layer, address } = effective;
  const same = running.version === version && running.layer === layer && running.address === address;
  return effective.ended === 'applied' && same;
}

/** Makes the stepper. */
export function createStepper(ports: StepPorts): Stepper {
  const { ledger, locks, keeper } = ports;
  const said = createSaid(ledger, locks, ports.speak);
  const endings = createEndings({ ...ports, said });
  const waiting = createWaiting({ ...ports, said });
  const gates = createGates(ports);
  const drifts = createDrifts({ ...ports, said });

  /** Configs whose directories were looked through since the start. */
  const tidied = new Set<string>();
  /** When a window of what waits opens or shuts. */
  const turns = new Map<string, number>();

  const refuse = async (held: HeldUpdate, refusal: Refusal): Promise<StepEnd> => {
    await endings.refuse(held, refusal);
    return 'again';
  };
  const applied = async (config: string, goal: Goal, changed: boolean): Promise<StepEnd> => {
    await endings.applied(config, goal, changed);
    return 'again';
  };
  const rest = async (config: string): Promise<StepEnd> => {
    said.rests(config);
    gates.disk(config, null);
    ports.fetches.want(config, []);
    await said.tell(config, [], []);
    return 'rest';
  };

  const wait = async (config: string, held: HeldUpdate | null, waits: Waits): Promise<StepEnd> => {
    if (waits.turnMs !== null) turns.set(config, waits.turnMs);
    await waiting.at(config, held, waits);
    return 'rest';
  };
  /** What a shut gate or a HOT lock leads to; null if it may go on. A disk in trouble is tried: there is no other way to ask it. */
  const heldUp = async (config: string, held: HeldUpdate | null, admission: Admission): Promise<StepEnd | null> => {
    if (admission.kind === 'admitted') return null;
    if (admission.kind === 'waits') {
      return admission.unmet.every(({ gate }) => gate === 'disk') ? null : wait(config, held, admission);
    }
    if (!isFresh(held)) throw new Error('only a document that was never applied can be refused');
    locks.refused(config);
    return refuse(held, admission);
  };

  /** Looks before a grant whether the expectation is met: one that is refused must not move the token that others go by. */
  const unmet = ({ config, file }: Scene, held: HeldUpdate, digest: string, token: number): Refusal | null =>
    checkExpectation(file, held.expect, { digest, token: ledger.tokenFound(config, refOf(held)) ?? token });

  /** Stages the goal and commits it under the lock; `before` is the digest of what is on disk. */
  const move = async (scene: Scene, goal: Goal, before: string): Promise<StepEnd> => {
    const { config, file, open } = scene;
    const { held } = goal;
    const lock = locks.reach(config);
    const up = await heldUp(config, held, gates.look(scene, held, lock));
    if (up !== null) return up;
    const fresh = isFresh(held);
    const refusal = fresh
      ? (unmet(scene, held, before, lock.token) ?? (await validate(ports.validator, open, goal.contents)))
      : null;
    if (fresh && refusal !== null) return refuse(held, refusal);
    const files = await stage(
      open,
      goal.contents.map((content) => ({
        ...content,
        digest: content.bytes === null ? null : digestOf(content.bytes, ports.sha256),
        look: ports.looks.of(config, content.name),
      })),
    );
    let committed: Committed | null = null;
    try {
      const expect = fresh ? held.expect : null;
      const stillWanted = () => !fresh || isOpen(ledger, held);
      const stillOpen = () => gates.stillOpen(scene, held);
      const done = () => endings.applied(config, goal, true);
      const of = held && refOf(held);
      committed = await commit(ports, { config, file, of, files, expect, stillWanted, stillOpen, done });
    } finally {
      // After a failure amid the renames the journalled intent still needs what is staged.
      const needed = committed === null ? ledger.intent(config) !== null : committed.kind === 'committed';
      if (!needed) discard(files);
    }
    switch (committed.kind) {
      case 'committed':
        gates.disk(config, null);
        return 'again';
      case 'hot':
        if (committed.displaced && held !== null) await endings.displaced(held);
        if (committed.displaced) return 'again';
        // Broken and let go of before we looked: no change will come that could wake us.
        if (committed.lock.state === 'COLD') return 'retry';
        return (await heldUp(config, held, gates.look(scene, held, committed.lock))) ?? 'retry';
      case 'shut':
        if (committed.displaced && held !== null) await endings.displaced(held);
        return 'again';
      case 'outdated':
        return 'again';
      case 'refusal':
        // Only a fresh document brings an expectation that can be refused.
        return held === null ? 'retry' : refuse(held, committed);
    }
  };

  /** Ends a commit that a crash cut off; null if there is none, or it went back and the step goes on afresh. */
  const finish = async (scene: Scene): Promise<StepEnd | null> => {
    const intent = ledger.intent(scene.config);
    const goal = intent === null ? null : goalOfIntent(ledger, keeper, intent);
    if (intent === null || goal === null) return null;
    ports.fetches.want(scene.config, goal.missing);
    const ended = await recover(ports, intent, scene.open, goal.contents);
    switch (ended.kind) {
      case 'back':
        if (goal.held !== null && goal.held.ended === null && !isOpen(ledger, goal.held)) {
          await endings.displaced(goal.held);
        }
        return null;
      case 'forward':
        return applied(scene.config, goal, true);
      case 'hot':
        if (ended.lock.state === 'COLD') return 'retry';
        // What was cut off is ended at any time and whatever is in the way: it waits for the lock alone, and is not refused.
        return wait(scene.config, goal.held, {
          kind: 'waits',
          unmet: [unmetLock({ ...scene, lock: ended.lock, lockWords: ports.lockWords(ended.lock), onHot: 'wait' })],
          turnMs: null,
        });
    }
  };

  /** Removes what a crash left staged, but for what the commit it cut off still needs. A directory that is away is looked at later. */
  const tidy = (config: string, settings: ConfigSettings): Promise<void> =>
    withFiles(ports.targets, settings, async (open) => {
      const needed = ledger.intent(config)?.files.map(({ staged }) => staged) ?? [];
      for (const { target } of open) {
        for (const staged of target.leftovers('stage.discard')) {
          if (!needed.includes(staged)) target.discard('stage.discard', staged);
        }
      }
    }).then(
      () => void tidied.add(config),
      (error: unknown) => {
        if (!(error instanceof Failure)) throw error;
      },
    );

  const reach = async (scene: Scene, effective: HeldUpdate | null): Promise<StepEnd> => {
    const { config, open } = scene;
    const cutOff = await finish(scene);
    if (cutOff !== null) return cutOff;
    const disk = readContents(open, ports.sha256);
    if (ledger.running(config) === null) said.foundOriginal(config, disk.digest);
    const drifted = await drifts.see(scene, disk);
    const restores = drifted && scene.settings.on_drift === 'restore';
    if (isRunning(said.view(config).running, effective) && !restores) return rest(config);
    // Without an original nothing was ever moved: what is on disk is what was there before Locksmith.
    const asBefore = { held: null, digest: disk.digest, contents: disk.contents, missing: [] };
    const goal = goalOf(ledger, keeper, config, effective) ?? asBefore;
    if (disk.digest !== goal.digest) {
      ports.fetches.want(config, goal.missing);
      return move(scene, goal, disk.digest);
    }
    const asks = effective !== null && effective.ended === null && effective.expect !== null ? effective : null;
    const refusal = asks === null ? null : unmet(scene, asks, disk.digest, locks.reach(config).token);
    return asks !== null && refusal !== null ? refuse(asks, refusal) : applied(config, goal, false);
  };

  const step = async (config: string, settings: ConfigSettings): Promise<StepEnd> => {
    if (!tidied.has(config)) await tidy(config, settings);
    const time = ports.time();
    const places = ledger.places(config);
    const { effective: wanted, covered } = resolve(places, ports.addresses, time);
    // A commit that was cut off is ended before time may end its document.
    if (ledger.intent(config) === null) {
      const fallen = places.find(({ latest }) => latest.ended === null && hasFallenOff(latest, time));
      if (fallen !== undefined) return endings.expire(fallen.latest, 'until').then(() => 'again');
      if (wanted !== null && hasExpired(wanted, time)) return endings.expire(wanted, 'exp').then(() => 'again');
    }
    const hidden = covered.filter((held) => !held.covered);
    if (hidden.length > 0) {
      const reason = `${wanted?.layer} version ${wanted?.version} for ${wanted?.address} stands above it`;
      await said.tell(
        config,
        hidden.map((held) => coveredRecord(held, true)),
        hidden.map((held) => ({ event: 'covered', ...about(held), reason })),
      );
    }
    const running = ledger.running(config);
    // A halt holds the new, and keeps nothing in place whose time is over: what was applied before steps in meanwhile.
    const halted = running !== null && isFresh(wanted) && ports.halted(wanted) !== null;
    const meanwhile = halted ? resolve(places, ports.addresses, time, isFresh).effective : wanted;
    const effective = halted && isRunning(running, meanwhile) ? wanted : meanwhile;
    // Most looks end here, without a file being opened.
    const nothingToDo = running !== null && ledger.intent(config) === null && isRunning(running, effective);
    if (nothingToDo && !drifts.isDue({ config, settings })) return rest(config);
    const place = { config, settings, file: baseName(settings.files[0]?.path ?? config) };
    return withFiles(ports.targets, settings, (open) => reach({ ...place, open }, effective)).catch(
      async (error: unknown) => {
        // With nothing to move the trouble is nobody's but the log's.
        if (!(error instanceof Failure) || isRunning(said.view(config).running, effective)) throw error;
        const refusal: Refusal = { kind: 'refusal', code: error.code, reason: error.message, final: !error.retry };
        if (refusal.final && effective !== null && effective.ended === null) return refuse(effective, refusal);
        gates.disk(config, refusal);
        const admission = gates.look(place, effective);
        if (admission.kind === 'waits') await wait(config, effective, admission);
        return 'retry';
      },
    );
  };

  return {
    async recover(config) {
      const settings = ports.configs[config];
      return settings === undefined ? null : endCutOff({ ...ports, config, settings }, finish);
    },
    async step(config) {
      const settings = ports.configs[config];
      turns.delete(config);
      return settings === undefined ? 'rest' : step(config, settings);
    },
    turnMs: (config) => turns.get(config) ?? null,
    inspect: drifts.inspect,
    view: said.view,
  };
}
