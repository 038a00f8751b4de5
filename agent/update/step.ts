import type { Targets } from '../ports/targets.ts';
import type { Clock } from '../ports/world.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import { Failure, type Refusal } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import type { Running } from '../values/report.ts';
import type { Address } from '../values/topics.ts';
import { baseName } from '../values/units.ts';
import { admit, checkExpectation } from './admit.ts';
import { type CommitPorts, type Committed, commit, readContents } from './commit.ts';
import { digestOf } from './content.ts';
import { createEndings, type EndingPorts } from './endings.ts';
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
export interface StepPorts extends CommitPorts, Omit<EndingPorts, 'said'> {
  readonly configs: Readonly<Record<string, ConfigSettings>>;
  readonly addresses: readonly Address[];
  readonly clock: Clock;
  readonly targets: Targets;
  readonly validator: Validator;
  readonly speak: Speak;
  /** Words for who has a lock. */
  lockWords(lock: LockState): string;
}

/** How a step ended: at rest, to be followed by another at once, or to be tried again after a pause. */
export type StepEnd = 'rest' | 'again' | 'retry';

/** Moves one config one step nearer to what should be on disk. */
export interface Stepper {
  step(config: string): Promise<StepEnd>;
  view(config: string): ConfigView;
}

/** What a step over one config has in hand. */
interface Scene {
  readonly config: string;
  /** Base name of the file people know the config by. */
  readonly file: string;
  readonly settings: ConfigSettings;
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
  const waiting = createWaiting({ ...ports, said, endings });

  /** Configs whose directories were looked through since the start. */
  const tidied = new Set<string>();

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
    await said.tell(config, [], []);
    return 'rest';
  };

  const waitForLock = async (scene: Scene, { held }: Goal, lock: LockState, cutOff = false): Promise<StepEnd> =>
    (await waiting.forLock(scene, held, lock, cutOff)) ? 'again' : 'rest';

  /** Looks before a grant whether the expectation is met: one that is refused must not move the token that others go by. */
  const unmet = ({ config, file }: Scene, held: HeldUpdate, digest: string, token: number): Refusal | null =>
    checkExpectation(file, held.expect, { digest, token: ledger.tokenFound(config, refOf(held)) ?? token });

  /** Stages the goal and commits it under the lock; `before` is the digest of what is on disk. */
  const move = async (scene: Scene, goal: Goal, before: string): Promise<StepEnd> => {
    const { config, file, settings, open } = scene;
    const { held } = goal;
    const lock = locks.reach(config);
    const lockWords = lock.state === 'HOT' ? ports.lockWords(lock) : '';
    if (admit({ file, onHot: settings.on_hot, lock, lockWords }).kind !== 'admitted') {
      return waitForLock(scene, goal, lock);
    }
    const fresh = held !== null && held.ended === null;
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
      const done = () => endings.applied(config, goal, true);
      committed = await commit(ports, { config, file, of: held && refOf(held), files, expect, stillWanted, done });
    } finally {
      // After a failure amid the renames the journalled intent still needs what is staged.
      const needed = committed === null ? ledger.intent(config) !== null : committed.kind === 'committed';
      if (!needed) discard(files);
    }
    switch (committed.kind) {
      case 'committed':
        return 'again';
      case 'hot':
        if (committed.displaced && held !== null) await endings.displaced(held);
        if (committed.displaced) return 'again';
        // Broken and let go of before we looked: no change will come that could wake us.
        return committed.lock.state === 'COLD' ? 'retry' : waitForLock(scene, goal, committed.lock);
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
        return ended.lock.state === 'COLD' ? 'retry' : waitForLock(scene, goal, ended.lock, true);
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
    if (isRunning(said.view(config).running, effective)) return rest(config);
    // Without an original nothing was ever moved: what is on disk is what was there before Locksmith.
    const asBefore = { held: null, digest: disk.digest, contents: disk.contents };
    const goal = goalOf(ledger, keeper, config, effective) ?? asBefore;
    if (disk.digest !== goal.digest) return move(scene, goal, disk.digest);
    const asks = effective !== null && effective.ended === null && effective.expect !== null ? effective : null;
    const refusal = asks === null ? null : unmet(scene, asks, disk.digest, locks.reach(config).token);
    return asks !== null && refusal !== null ? refuse(asks, refusal) : applied(config, goal, false);
  };

  const step = async (config: string, settings: ConfigSettings): Promise<StepEnd> => {
    if (!tidied.has(config)) await tidy(config, settings);
    const time = ports.time();
    const places = ledger.places(config);
    const { effective, covered } = resolve(places, ports.addresses, time);
    // A commit that was cut off is ended before time may end its document.
    if (ledger.intent(config) === null) {
      const fallen = places.find(({ latest }) => latest.ended === null && hasFallenOff(latest, time));
      if (fallen !== undefined) return endings.expire(fallen.latest, 'until').then(() => 'again');
      if (effective !== null && hasExpired(effective, time)) {
        return endings.expire(effective, 'exp').then(() => 'again');
      }
    }
    const hidden = covered.filter((held) => !held.covered);
    if (hidden.length > 0) {
      const reason = `${effective?.layer} version ${effective?.version} for ${effective?.address} stands above it`;
      await said.tell(
        config,
        hidden.map((held) => coveredRecord(held, true)),
        hidden.map((held) => ({ event: 'covered', ...about(held), reason })),
      );
    }
    // Most looks end here, without a file being opened.
    const running = ledger.running(config);
    if (running !== null && ledger.intent(config) === null && isRunning(running, effective)) return rest(config);
    const file = baseName(settings.files[0]?.path ?? config);
    return withFiles(ports.targets, settings, (open) => reach({ config, file, settings, open }, effective)).catch(
      async (error: unknown) => {
        // With nothing to move the trouble is nobody's but the log's.
        if (!(error instanceof Failure) || isRunning(said.view(config).running, effective)) throw error;
        const refusal: Refusal = { kind: 'refusal', code: error.code, reason: error.message, final: !error.retry };
        if (refusal.final && effective !== null && effective.ended === null) return refuse(effective, refusal);
        await waiting.at('disk', config, effective, refusal, error.code);
        return 'retry';
      },
    );
  };

  return {
    async step(config) {
      const settings = ports.configs[config];
      return settings === undefined ? 'rest' : step(config, settings);
    },
    view: said.view,
  };
}
