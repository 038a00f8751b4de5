import type { ConfigSettings } from '../settings-schema.ts';
import { Failure, type Refusal } from '../values/errors.ts';
import type { Running } from '../values/report.ts';
import type { Address } from '../values/topics.ts';
import { baseName } from '../values/units.ts';
import { type AskPorts, createAsk } from './ask.ts';
import { readContents } from './commit.ts';
import { type CutOff, endCutOff, sayUnderWay } from './cut-off.ts';
import { createDrifts } from './drift.ts';
import { createEndings, type EndingPorts } from './endings.ts';
import type { Fetches } from './fetches.ts';
import { createGates, isFresh } from './gates.ts';
import { goalOf } from './goal.ts';
import { isNewer, pinnedInstead } from './going-back.ts';
import type { Speak } from './intake.ts';
import { coveredRecord, type HeldUpdate } from './ledger.ts';
import { createMover, type MoveParts, type Scene, type StepEnd } from './move.ts';
import { createMoveCap } from './move-cap.ts';
import { pinOverRecord } from './past.ts';
import { createProver, type ProvePorts, type Prover } from './prove.ts';
import { about } from './report.ts';
import { hasExpired, hasFallenOff, resolve } from './resolve.ts';
import { type ConfigView, createSaid } from './said.ts';
import { sayDocument } from './sides.ts';
import { withFiles } from './stage.ts';
import { createTrialEndings } from './trial-endings.ts';
import { createWaiting } from './waiting.ts';

/** What a step works with. */
export interface StepPorts extends ProvePorts, AskPorts, Omit<EndingPorts, 'said'> {
  readonly configs: Readonly<Record<string, ConfigSettings>>;
  readonly addresses: readonly Address[];
  readonly clock: ProvePorts['clock'];
  readonly locks: ProvePorts['locks'];
  readonly speak: Speak;
  readonly fetches: Fetches;
}

/** Moves one config one step nearer to what should be on disk. */
export interface Stepper {
  /** Ends a commit that a crash cut off, or takes back what it left unproved, and does nothing else; null if there is neither. Rejects with Failure. */
  recover(config: string): Promise<CutOff | null>;
  step(config: string): Promise<StepEnd>;
  /** When the clock will change by itself what a config waits for, Unix milliseconds; null: it will not. */
  turnMs(config: string): number | null;
  /** The next step looks for edits by hand. */
  inspect(config: string): void;
  readonly confirm: Prover['confirm'];
  readonly takeBack: Prover['takeBack'];
  view(config: string): ConfigView;
  running(config: string): Running;
}

/** True if what runs is what is effective. */
function isRunning(running: Running, effective: HeldUpdate | null): boolean {
  if (effective === null) return running.layer === null;
  const { version, layer, address } = effective;
  const same = running.version === version && running.layer === layer && running.address === address;
  return effective.ended === 'applied' && same;
}

const placeOf = (config: string, settings: ConfigSettings) => ({
  ...{ config, settings, file: baseName(settings.files[0]?.path ?? config) },
});

/** Makes the stepper. */
export function createStepper(ports: StepPorts): Stepper {
  const { ledger, locks, keeper, trials } = ports;
  const said = createSaid(ledger, locks, ports.speak);
  const endings = createEndings({ ...ports, said });
  const waiting = createWaiting({ ...ports, said });
  const gates = createGates(ports);
  const drifts = createDrifts({ ...ports, said });
  const parts: MoveParts = {
    ...{ said, endings, waiting, gates, trialEndings: createTrialEndings({ ...ports, said }) },
    ...{ ask: createAsk(ports), cap: createMoveCap(ports.clock), alive: new Set() },
  };
  const mover = createMover(ports, parts);
  const prover = createProver(ports, parts, mover);

  /** Configs whose directories were looked through since the start. */
  const tidied = new Set<string>();
  const refuse = async (held: HeldUpdate, refusal: Refusal): Promise<StepEnd> => {
    await endings.refuse(held, refusal);
    return 'again';
  };
  const rest = async (config: string): Promise<StepEnd> => {
    said.rests(config);
    gates.disk(config, null);
    ports.fetches.want(config, []);
    await said.tell(config, [], []);
    return 'rest';
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
    const cutOff = await mover.finish(scene);
    if (cutOff !== null) return cutOff;
    // A rollback that was cut off before its first rename: the trial goes on.
    if (trials.of(config) !== null) return 'again';
    const disk = readContents(open, ports.sha256);
    if (ledger.running(config) === null) said.foundOriginal(config, disk.digest);
    const drifted = await drifts.see(scene, disk);
    const restores = drifted && scene.settings.on_drift === 'restore';
    if (isRunning(said.running(config), effective) && !restores) return rest(config);
    // Without an original nothing was ever moved: what is on disk is what was there before Locksmith.
    const asBefore = { held: null, digest: disk.digest, contents: disk.contents, missing: [] };
    const goal = goalOf(ledger, keeper, config, effective) ?? asBefore;
    if (disk.digest !== goal.digest) {
      ports.fetches.want(config, goal.missing);
      return mover.move(scene, goal, disk.digest);
    }
    const asks = effective !== null && effective.ended === null && effective.expect !== null ? effective : null;
    const refusal = asks === null ? null : mover.unmet(scene, asks, disk.digest, locks.reach(config).token);
    if (asks !== null && refusal !== null) return refuse(asks, refusal);
    await endings.applied(config, goal, false, 'none');
    return 'again';
  };

  const step = async (config: string, settings: ConfigSettings): Promise<StepEnd> => {
    if (!tidied.has(config)) await tidy(config, settings);
    const place = placeOf(config, settings);
    const trial = trials.of(config);
    // What is on trial comes to its end first, one way or the other; whatever came meanwhile waits for that.
    if (trial !== null && ledger.intent(config) === null) return prover.step(place, trial);
    const time = ports.time();
    const isOut = ({ ended, digest }: HeldUpdate) =>
      ended === 'applied' && digest !== null && trials.isBad(config, digest);
    const places = ledger.places(config);
    const { effective: wanted, covered } = resolve(places, ports.addresses, time, isOut);
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
    const isNew = (held: HeldUpdate) => isFresh(held) || isOut(held);
    const meanwhile = halted ? resolve(places, ports.addresses, time, isNew).effective : wanted;
    const sent = halted && isRunning(running, meanwhile) ? wanted : meanwhile;
    const pin = ledger.pin(config);
    if (pin !== null && pin.over !== true && wanted !== null && isNewer(pin, wanted)) {
      const event = { event: 'unpinned', config, reason: `by ${sayDocument(wanted)}` } as const;
      await said.tell(config, [pinOverRecord(config)], [event]);
    }
    const pinned = pinnedInstead(ledger, config, sent);
    const effective = pinned === undefined ? sent : pinned;
    const cutOff = ledger.intent(config) !== null;
    if (!cutOff && isFresh(effective) && !effective.retry && trials.isBad(config, effective.digest ?? '')) {
      const reason = `this content failed on this device before (${effective.digest})`;
      return refuse(effective, { kind: 'refusal', code: 'known-bad', reason, final: true });
    }
    // Most looks end here, without a file being opened.
    const nothingToDo = running !== null && !cutOff && isRunning(running, effective);
    if (nothingToDo && !drifts.isDue({ config, settings })) return rest(config);
    return withFiles(ports.targets, settings, (open) => reach({ ...place, open }, effective)).catch(
      async (error: unknown) => {
        // With nothing to move, or with a rollback that was cut off, the trouble is nobody's but the log's.
        if (!(error instanceof Failure) || trials.of(config) !== null || isRunning(said.running(config), effective))
          throw error;
        const refusal: Refusal = { kind: 'refusal', code: error.code, reason: error.message, final: !error.retry };
        if (refusal.final && effective !== null && effective.ended === null) return refuse(effective, refusal);
        gates.disk(config, refusal);
        const admission = gates.look(place, effective);
        if (admission.kind === 'waits') await waiting.at(config, effective, admission);
        return 'retry';
      },
    );
  };

  return {
    async recover(config) {
      const settings = ports.configs[config];
      if (settings === undefined) return null;
      const cutOff = await endCutOff({ ...ports, config, settings }, mover.finish);
      if (cutOff?.end === 'waits') return cutOff;
      const document = sayUnderWay(trials.held(config));
      const back = await prover.recover(placeOf(config, settings));
      return back === null ? cutOff : { config, document, end: back ? 'rolled-back' : 'unproved' };
    },
    async step(config) {
      const settings = ports.configs[config];
      waiting.turnsAt(config, null);
      return settings === undefined ? 'rest' : step(config, settings);
    },
    inspect: drifts.inspect,
    turnMs: waiting.turnMs,
    confirm: prover.confirm,
    takeBack: prover.takeBack,
    view: said.view,
    running: said.running,
  };
}
