import type { Frame } from '../ports/broker.ts';
import type { Begin, Cancel } from '../ports/world.ts';
import { Failure, type Refusal } from '../values/errors.ts';
import type { EventBody, Outcome } from '../values/report.ts';
import { rfc3339 } from '../values/units.ts';
import type { CutOff } from './cut-off.ts';
import { createFetches, type FetchesPorts } from './fetches.ts';
import { goBack } from './go-back.ts';
import { fetchedInUse, isOpen, runningUpdate } from './goal.ts';
import type { GoBackWish, WentBack } from './going-back.ts';
import { type Intake, type IntakePorts, openIntake, type Taken } from './intake.ts';
import { despiteHaltRecord, endedRecord } from './ledger.ts';
import { about } from './report.ts';
import { nextTurnS } from './resolve.ts';
import { type Revoked, revoke } from './revoke.ts';
import type { Said } from './said.ts';
import { createStepper, type StepPorts } from './step.ts';
import { openStore } from './store.ts';

/** Pause before a step that failed on the disk is tried again. */
const RETRY_MS = 5_000;
/** Longest time between two looks at what time alone changes: the wall clock may jump meanwhile. */
const TURN_MAX_MS = 600_000;
/** How long one step may take. Reason: longer than any command, and any disk that still answers. */
const STEP_MAX_MS = 600_000;
/** Steps over one config without coming to rest: more is a loop, which is our own bug. */
const STEPS_MAX = 1_000;

/** What the line works with. */
export interface LinePorts
  extends Omit<StepPorts, 'count' | 'fetches'>,
    Pick<FetchesPorts, 'fetch' | 'unit'>,
    Pick<IntakePorts, 'root' | 'budget' | 'verify' | 'context'> {
  /** Absent: nobody watches whether the line still moves. */
  readonly begin?: Begin;
  /** Something failed that no report could be made of; the step is tried again. */
  onTrouble(failure: Failure): void;
  /** Our own bug: the process must not go on. */
  onBug(error: unknown): void;
}

/** Counters since the start, for the heartbeat. */
export interface LineCounters {
  readonly refused: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly duplicates: number;
}

/** A person on the device lets an update pass a halt. */
export interface DespiteHalt {
  readonly who: string;
  readonly reason: string;
}

/** The update line. */
export interface Line extends Pick<Said, 'view' | 'running'> {
  /** Ends what a crash cut off, looks at every config once and says its state; resolves when all are at rest. */
  start(): Promise<void>;
  /** Ends what a crash cut off, and nothing else; what could not be ended is a Failure in its place. */
  recover(): Promise<readonly (CutOff | Failure)[]>;
  /** Resolves when the steps under way are over; nothing new is begun. */
  stop(): Promise<void>;
  /** A message from the broker; resolves when it may be acknowledged. */
  frame(frame: Frame): Promise<Taken>;
  /** A signed document from a file; resolves when the line has come to rest over its config. */
  file(payload: Uint8Array, despiteHalt?: DespiteHalt): Promise<Taken>;
  /** Says a refusal of another kind of document, once per signed form, as those of updates are said. */
  readonly refuse: Intake['refuse'];
  /** These keys count no more: what they signed is to be dropped. */
  revoke(kids: readonly string[]): Revoked;
  /** Something that updates wait for has changed. */
  wake(config: string): void;
  /** Looks on the disk of every config for edits by hand. */
  inspect(): void;
  /** There is a network again: what could not be fetched is tried at once. */
  linkUp(): void;
  /** The broker has more of our reports: what waits for that to be confirmed is looked at. */
  acknowledged(): void;
  /** The fleet confirms an update; a refusal if that one does not wait for it. */
  confirm(config: string, update: string): Refusal | null;
  /**
   * The fleet takes back an update that runs or is on trial: what stands behind it comes back. Resolves when that is durable, with a
   * refusal if it is neither.
   */
  rollBack(config: string, update: string): Promise<Refusal | null>;
  /** Goes back to the last good content by a person's wish, or takes that back; resolves when the line rests. */
  goBack(wish: GoBackWish): Promise<WentBack>;
  counters(): LineCounters;
}

interface Worker {
  running: Promise<void> | null;
  dirty: boolean;
  timer: Cancel | null;
  /** What failed last; said once, until a step works again. */
  trouble: string | null;
}

/** Opens the line: one worker a config, so that a slow one holds up no other. */
export function openLine(ports: LinePorts): Line {
  let outcomes: LineCounters['outcomes'] = {};
  let duplicates = 0;
  let stopping = false;
  const count = (outcome: Outcome) => {
    outcomes = { ...outcomes, [outcome]: (outcomes[outcome] ?? 0) + 1 };
  };
  const inUse = () => fetchedInUse(ports.ledger, Object.keys(ports.configs));
  const fetches = createFetches({ ...ports, fetched: ports.keeper.fetched, inUse, wake: (config) => wake(config) });
  const stepper = createStepper({
    ...ports,
    fetches,
    count(outcome, code) {
      count(outcome);
      // One that was held and then refused counts with those refused at the door.
      if (code !== null) ports.budget.take(code, true);
    },
  });
  const store = openStore(ports);
  const workers = new Map<string, Worker>();

  const workerOf = (config: string): Worker => {
    const found = workers.get(config) ?? { running: null, dirty: false, timer: null, trouble: null };
    workers.set(config, found);
    return found;
  };
  const sleepFor = (config: string, ms: number) => {
    const worker = workerOf(config);
    worker.timer?.();
    worker.timer = ports.clock.after(ms, () => wake(config));
  };
  const work = async (config: string, worker: Worker) => {
    for (let steps = 0; worker.dirty && !stopping; steps += 1) {
      worker.dirty = false;
      if (steps > STEPS_MAX) throw new Error(`config ${config} does not come to rest`);
      const over = ports.begin?.(`a step of ${config}`, STEP_MAX_MS);
      const end = await stepper.step(config).then(
        (ended) => {
          worker.trouble = null;
          return ended;
        },
        (error: unknown) => {
          if (!(error instanceof Failure)) throw error;
          if (worker.trouble !== error.message) ports.onTrouble(error);
          worker.trouble = error.message;
          return 'retry' as const;
        },
      );
      over?.();
      if (end === 'again') worker.dirty = true;
      if (end === 'retry') sleepFor(config, RETRY_MS);
      if (end === 'rest') {
        store.quiet();
        const time = ports.time();
        const turnS = nextTurnS(ports.ledger.places(config), time);
        const turns = [turnS === null ? null : turnS * 1000, stepper.turnMs(config)].filter((turn) => turn !== null);
        const waitMs = Math.min(...turns) - ports.clock.wallMs();
        if (turns.length > 0) sleepFor(config, Math.max(0, Math.min(waitMs, TURN_MAX_MS)));
      }
    }
  };
  const wake = (config: string) => {
    if (!Object.hasOwn(ports.configs, config)) return;
    const worker = workerOf(config);
    worker.dirty = true;
    if (worker.running !== null || stopping) return;
    worker.running = work(config, worker)
      .catch(ports.onBug)
      .finally(() => {
        worker.running = null;
        if (worker.dirty && !stopping) wake(config);
      });
  };
  const settled = async (config: string) => {
    for (let running = workerOf(config).running; running !== null; running = workerOf(config).running) await running;
  };
  const intake = openIntake({
    ...ports,
    wake,
    count(what) {
      if (what === 'duplicates') duplicates += 1;
      else count(what);
    },
  });

  return {
    async start() {
      ports.keeper.fetched.sweep(inUse);
      for (const config of Object.keys(ports.configs)) wake(config);
      await Promise.all(Object.keys(ports.configs).map(settled));
    },
    async recover() {
      const ends: (CutOff | Failure)[] = [];
      for (const config of Object.keys(ports.configs)) {
        const end = await stepper.recover(config).catch((error: unknown) => {
          if (error instanceof Failure) return error;
          throw error;
        });
        if (end !== null) ends.push(end);
      }
      return ends;
    },
    async stop() {
      stopping = true;
      ports.hooks.stop();
      for (const { timer } of workers.values()) timer?.();
      await Promise.all([...workers.keys()].map(settled));
      await fetches.stop();
      await store.stop();
    },
    frame: intake.frame,
    async file(payload, despiteHalt) {
      const taken = await intake.file(payload);
      // Also for one seen before: it may be under way, or just have been renewed.
      if (taken.kind !== 'held' && taken.kind !== 'duplicate') return taken;
      const { held } = taken;
      if (held === null) return taken;
      const halt = despiteHalt === undefined || !isOpen(ports.ledger, held) ? null : ports.halted(held);
      if (despiteHalt !== undefined && halt !== null) {
        const { who, reason } = despiteHalt;
        const event: EventBody = { event: 'halted', ...about(held), who, reason: `goes ahead: ${reason}; ${halt}` };
        await ports.speak([despiteHaltRecord(held, reason)], [event]);
        wake(held.config);
      }
      await settled(held.config);
      return taken;
    },
    refuse: intake.refuse,
    revoke(kids) {
      const underWay = (config: string) => [
        ports.ledger.intent(config)?.of ?? null,
        ports.trials.of(config)?.of ?? null,
      ];
      const gone = revoke(ports.ledger, kids, rfc3339(ports.clock.wallMs()), underWay);
      for (const { code } of gone.events) {
        count('refused');
        if (code !== undefined) ports.budget.take(code, true);
      }
      return gone;
    },
    wake,
    inspect() {
      for (const config of Object.keys(ports.configs)) {
        stepper.inspect(config);
        wake(config);
      }
    },
    linkUp: fetches.retry,
    acknowledged() {
      for (const config of Object.keys(ports.configs)) {
        if (ports.trials.of(config)?.phase === 'confirm') wake(config);
      }
    },
    confirm(config, update) {
      const refusal = stepper.confirm(config, update);
      if (refusal === null) wake(config);
      return refusal;
    },
    async rollBack(config, update) {
      const refusal = stepper.takeBack(config, update, 'the fleet has taken it back');
      const running = refusal === null ? null : runningUpdate(ports.ledger, config, update);
      if (refusal !== null && running === null) return refusal;
      if (running !== null) await ports.speak([endedRecord(running, 'rolled-back', null)], []);
      wake(config);
      return null;
    },
    goBack: (wish) => goBack({ ...ports, takeBack: stepper.takeBack, wake, settled, view: stepper.view }, wish),
    ...{ view: stepper.view, running: stepper.running },
    counters: () => ({ refused: ports.budget.counts(), outcomes, duplicates }),
  };
}
