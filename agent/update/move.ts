import type { LinkDoor } from '../ports/link.ts';
import type { LockDoor } from '../ports/lock.ts';
import { type Refusal, refuse } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import { type Admission, checkExpectation, unmetLock } from './admit.ts';
import type { Answer, Ask } from './ask.ts';
import { type CommitFile, type CommitPlan, type CommitPorts, type Committed, commit } from './commit.ts';
import { digestOf, type FileContent } from './content.ts';
import type { Endings } from './endings.ts';
import type { Fetches } from './fetches.ts';
import { type GatePlace, type Gates, isFresh } from './gates.ts';
import { type Goal, goalOfIntent, isOpen } from './goal.ts';
import { type HeldUpdate, refOf } from './ledger.ts';
import type { MoveCap } from './move-cap.ts';
import { recover } from './recover.ts';
import { about } from './report.ts';
import type { Said } from './said.ts';
import { discard, type OpenFile, stage, validate } from './stage.ts';
import type { TrialEndings } from './trial-endings.ts';
import { badRecord, planTrial, type Trial, type Trials } from './trials.ts';
import type { Intent } from './under-way.ts';
import type { Validator } from './validate.ts';
import type { Waiting } from './waiting.ts';

/** What moves work with. */
export interface MovePorts extends CommitPorts {
  readonly locks: LockDoor;
  readonly link: LinkDoor;
  readonly trials: Trials;
  readonly validator: Validator;
  readonly fetches: Fetches;
  /** Words for who has a lock. */
  lockWords(lock: LockState): string;
}

/** What a step over one config is made of. */
export interface MoveParts {
  readonly said: Said;
  readonly endings: Endings;
  readonly trialEndings: TrialEndings;
  readonly gates: Gates;
  readonly waiting: Waiting;
  readonly ask: Ask;
  readonly cap: MoveCap;
  /** Configs whose trial began in this life. */
  readonly alive: Set<string>;
}

/** How a step ended: at rest, to be followed by another at once, or to be tried again after a pause. */
export type StepEnd = 'rest' | 'again' | 'retry';

/** What a step over one config has in hand. */
export interface Scene extends GatePlace {
  readonly open: readonly OpenFile[];
}

/** Moves contents. */
export interface Mover {
  /** Puts the goal in place where all gates are open; `before` is the digest of what is on disk. */
  move(scene: Scene, goal: Goal, before: string): Promise<StepEnd>;
  /** Ends a commit that a crash cut off; null if there is none, or it went back and the step goes on afresh. */
  finish(scene: Scene): Promise<StepEnd | null>;
  /** Puts back what was there before a trial, if `stillOpen` lets it. */
  restore(scene: Scene, trial: Trial, stillOpen: () => boolean): Promise<Committed | null>;
  /** Looks before a grant whether the expectation is met: one that is refused must not move the token that others go by. */
  unmet(place: GatePlace, held: HeldUpdate, digest: string, token: number): Refusal | null;
}

/** Makes the mover. */
export function createMover(ports: MovePorts, parts: MoveParts): Mover {
  const { ledger, locks, keeper, sha256, trials } = ports;
  const { said, endings, trialEndings, gates, waiting, ask, cap, alive } = parts;

  const refused = async (held: HeldUpdate, refusal: Refusal): Promise<StepEnd> => {
    await endings.refuse(held, refusal);
    return 'again';
  };
  /** What a shut gate or a HOT lock leads to; null if it may go on. A disk in trouble is tried: there is no other way to ask it. */
  const heldUp = async (config: string, held: HeldUpdate | null, admission: Admission): Promise<StepEnd | null> => {
    if (admission.kind === 'admitted') return null;
    if (admission.kind === 'waits') {
      if (admission.unmet.every(({ gate }) => gate === 'disk')) return null;
      await waiting.at(config, held, admission);
      return 'rest';
    }
    if (!isFresh(held)) throw new Error('only a document that was never applied can be refused');
    locks.refused(config);
    return refused(held, admission);
  };

  /** What is in place is there to stay, or begins its trial, or was taken back. */
  const landed = async (goal: Goal, intent: Intent): Promise<void> => {
    const { config } = intent;
    const trial = trials.of(config);
    if (intent.back === true && trial !== null) return trialEndings.restored(trial);
    cap.count(config, goal.held);
    if (intent.trial === undefined) return endings.applied(config, goal, true, 'none');
    alive.add(config);
    return trialEndings.begin(goal, intent);
  };

  /** Stages contents, asks `check` about them, and commits them under the lock. */
  const put = async (
    { config, file, open }: Scene,
    contents: readonly FileContent[],
    plan: Omit<CommitPlan, 'config' | 'file' | 'files'>,
    check: (files: readonly CommitFile[]) => Promise<Answer>,
  ): Promise<Committed | { readonly kind: 'answered'; readonly answer: Answer }> => {
    const files = await stage(
      open,
      contents.map((content) => ({
        ...content,
        digest: content.bytes === null ? null : digestOf(content.bytes, sha256),
        look: ports.looks.of(config, content.name),
      })),
    );
    let committed: Committed | null = null;
    try {
      const answer = await check(files);
      if (answer.kind !== 'good') return { kind: 'answered', answer };
      committed = await commit(ports, { ...plan, config, file, files });
    } finally {
      // After a failure amid the renames the journalled intent still needs what is staged.
      const needed = committed === null ? ledger.intent(config) !== null : committed.kind === 'committed';
      if (!needed) discard(files);
    }
    return committed;
  };

  const unmet: Mover['unmet'] = ({ config, file }, held, digest, token) =>
    checkExpectation(file, held.expect, { digest, token: ledger.tokenFound(config, refOf(held)) ?? token });

  /** A content that its own program does not want is marked, so that it is not tried again. */
  const checkFailed = async (held: HeldUpdate | null, answer: Answer & { kind: 'failed' }): Promise<StepEnd> => {
    if (held === null) return 'retry';
    const { code, reason, brands } = answer;
    if (brands) await said.tell(held.config, [badRecord(held.config, held.digest ?? '', code)], []);
    return refused(held, refuse(code, reason));
  };

  /** Stops what takes turns without end. */
  const tooMany = async (config: string, held: HeldUpdate | null): Promise<StepEnd> => {
    const refusal = refuse('too-many-moves', cap.words);
    if (isFresh(held)) {
      await endings.fail(held, refusal);
      return 'again';
    }
    waiting.turnsAt(config, ports.clock.wallMs() + cap.withinMs);
    const { code, reason } = refusal;
    await said.tell(config, [], [{ event: 'alarm', ...(held === null ? { config } : about(held)), code, reason }]);
    return 'rest';
  };

  const move: Mover['move'] = async (scene, goal, before) => {
    const { config, settings, open } = scene;
    const { held } = goal;
    const lock = locks.reach(config);
    const up = await heldUp(config, held, gates.look(scene, held, lock));
    if (up !== null) return up;
    const fresh = isFresh(held);
    const refusal = fresh
      ? (unmet(scene, held, before, lock.token) ?? (await validate(ports.validator, open, goal.contents)))
      : null;
    if (fresh && refusal !== null) return refused(held, refusal);
    if (cap.isReached(config, held)) return tooMany(config, held);
    const plan = {
      of: held && refOf(held),
      expect: fresh ? held.expect : null,
      trial: planTrial(settings, held, ports.link.up()),
      back: false,
      stillWanted: () => !fresh || isOpen(ledger, held),
      stillOpen: () => gates.stillOpen(scene, held),
      done: (intent: Intent) => landed(goal, intent),
    };
    const check = async (files: readonly CommitFile[]): Promise<Answer> =>
      fresh ? ask.check(settings, files, gates.safety(scene, held)) : { kind: 'good' };
    const committed = await put(scene, goal.contents, plan, check);
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
      case 'answered':
        if (committed.answer.kind === 'failed') return checkFailed(held, committed.answer);
        return committed.answer.kind === 'unsafe' ? 'again' : 'rest';
      case 'refusal':
        // Only a fresh document brings an expectation that can be refused.
        return held === null ? 'retry' : refused(held, committed);
      default:
        return 'again';
    }
  };

  /** What was there before a trial; null if it is kept no more. */
  const contentsBefore = (config: string, trial: Trial | null): readonly FileContent[] | null => {
    const generation = trial === null ? null : ledger.generationWith(config, trial.before);
    return generation === null ? null : keeper.read(generation);
  };

  return {
    move,
    unmet,
    async finish(scene) {
      const { config } = scene;
      const intent = ledger.intent(config);
      const goal = intent === null ? null : goalOfIntent(ledger, keeper, intent);
      if (intent === null || goal === null) return null;
      if (intent.back !== true) ports.fetches.want(config, goal.missing);
      const contents = intent.back === true ? contentsBefore(config, trials.of(config)) : goal.contents;
      const ended = await recover(ports, intent, scene.open, contents ?? []);
      switch (ended.kind) {
        case 'back':
          if (intent.back !== true && isFresh(goal.held) && !isOpen(ledger, goal.held))
            await endings.displaced(goal.held);
          return null;
        case 'forward':
          await landed(goal, intent);
          return 'again';
        case 'hot': {
          if (ended.lock.state === 'COLD') return 'retry';
          // What was cut off is ended at any time and whatever is in the way: it waits for the lock alone, and is not refused.
          const lockWords = ports.lockWords(ended.lock);
          const hot = unmetLock({ ...scene, lock: ended.lock, lockWords, onHot: 'wait' });
          await waiting.at(config, goal.held, { kind: 'waits', unmet: [hot], turnMs: null });
          return 'rest';
        }
      }
    },
    async restore(scene, trial, stillOpen) {
      const contents = contentsBefore(scene.config, trial);
      if (contents === null) return null;
      const plan = {
        ...{ of: trial.of, expect: null, trial: null, back: true, stillOpen },
        stillWanted: () => true,
        done: () => trialEndings.restored(trial),
      };
      const committed = await put(scene, contents, plan, async () => ({ kind: 'good' }));
      if (committed.kind === 'answered') throw new Error('a rollback asks nobody');
      return committed;
    },
  };
}
