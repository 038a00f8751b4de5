import type { Targets } from '../ports/targets.ts';
import { Failure, type Refusal, refuse } from '../values/errors.ts';
import type { ConfirmedBy, EventName } from '../values/report.ts';
import { type Unmet, unmetLock } from './admit.ts';
import type { Answer } from './ask.ts';
import type { GatePlace, GatePorts } from './gates.ts';
import type { MoveParts, MovePorts, Mover, StepEnd } from './move.ts';
import { about } from './report.ts';
import { withFiles } from './stage.ts';
import { type Trial, trialRecord } from './trials.ts';
import { gatesOf, sayAll } from './waiting.ts';

/** What trials are run with. */
export interface ProvePorts extends MovePorts, GatePorts {
  readonly locks: MovePorts['locks'];
  readonly fetches: MovePorts['fetches'];
  readonly targets: Targets;
}

/** Has what is on trial prove itself, and takes it back if it does not. */
export interface Prover {
  step(place: GatePlace, trial: Trial): Promise<StepEnd>;
  /**
   * For the time before anything else runs: takes back what was never proved, as the next start of the agent would, and begins no proof.
   * Null if there is no such thing; false if it is left to the agent.
   */
  recover(place: GatePlace): Promise<boolean | null>;
  /** The fleet confirms an update; a refusal if that one does not wait for it. */
  confirm(config: string, update: string): Refusal | null;
  /** Somebody wants an update that is on trial taken back, for this reason; a refusal if that one is not. */
  takeBack(config: string, update: string, why: string): Refusal | null;
}

/** Makes it. */
export function createProver(ports: ProvePorts, parts: MoveParts, mover: Mover): Prover {
  const { trials, clock, link, vehicle } = ports;
  const { said, endings, trialEndings, gates, waiting, ask, alive } = parts;
  /** Updates the fleet has confirmed, or wants back, by config. */
  const confirmed = new Map<string, string>();
  const unwanted = new Map<string, { readonly update: string; readonly why: string }>();
  /** The number the broker must have for the link to confirm. */
  const seqs = new Map<string, number>();

  const documentOf = (config: string) => {
    const held = trials.held(config);
    return { held, said: held === null ? { config } : about(held), id: held?.id ?? null };
  };
  /** Stays where it is; each cause is told once. */
  const hold = async (config: string, unmet: readonly Unmet[], event: EventName = 'waiting'): Promise<StepEnd> => {
    const { held, said: document, id } = documentOf(config);
    const key = held?.hash ?? 'original';
    const told = said.told(config, key) ?? [];
    const fresh = unmet.filter((one) => !told.includes(`trial ${one.key}`));
    const causes = unmet.map((one) => `trial ${one.key}`);
    said.waits(config, { id, version: held?.version ?? 0, waiting_for: gatesOf(unmet) }, key, causes);
    if (unmet.some(({ gate }) => gate === 'lock')) said.watchLock(config);
    else said.leaveLock(config);
    const code = fresh[0]?.code ?? null;
    const because = { reason: sayAll(fresh), ...(code === null ? {} : { code }) };
    await said.tell(config, [], fresh.length === 0 ? [] : [{ event, ...document, ...because }]);
    return 'rest';
  };
  const safety = (place: GatePlace) => gates.safety(place, trials.held(place.config));
  const isSafe = (place: GatePlace) => safety(place).isSafe();
  const mayGoBack = (place: GatePlace) => place.settings.rollback_in_flight === true || isSafe(place);
  const unsafe = (what: string): Unmet => ({
    gate: 'vehicle',
    code: 'not-safe',
    reason: `${what} waits until the vehicle is safe: ${vehicle.state().reason}`,
    key: `vehicle ${what}`,
  });

  const proved = async (trial: Trial, by: ConfirmedBy, alarm?: Refusal): Promise<StepEnd> => {
    const { config, digest } = trial;
    for (const known of [confirmed, unwanted, seqs]) known.delete(config);
    await endings.applied(config, { held: trials.held(config), digest, contents: [], missing: [] }, true, by, alarm);
    return 'again';
  };
  const failed = async (trial: Trial, why: Refusal, brands: boolean): Promise<StepEnd> => {
    for (const known of [confirmed, unwanted, seqs]) known.delete(trial.config);
    // What came back was proved before, and there is nothing better to go to.
    if (!trial.fresh) return proved(trial, 'none', why);
    await trialEndings.failed(trial, why, brands);
    return 'again';
  };
  const unwantedNow = ({ config }: Trial): Refusal | null => {
    const wish = unwanted.get(config);
    return wish !== undefined && wish.update === documentOf(config).id ? refuse('unconfirmed', wish.why) : null;
  };

  const hooks = async (place: GatePlace, trial: Trial): Promise<StepEnd> => {
    const { config, settings } = place;
    if (!isSafe(place)) return hold(config, [unsafe('the reload')]);
    const reloaded = await ask.reload(settings);
    const answer: Answer = reloaded.kind === 'good' ? await ask.health(settings, safety(place)) : reloaded;
    if (answer.kind === 'unsafe') return 'again';
    if (answer.kind === 'stopped') return 'rest';
    if (answer.kind === 'failed') return failed(trial, refuse(answer.code, answer.reason), answer.brands);
    const back = unwantedNow(trial);
    if (back !== null) return failed(trial, back, false);
    if (trial.binds === null) return proved(trial, settings.health === undefined ? 'none' : 'health');
    const { by, within_s } = trial.binds;
    const deadline = { boot: clock.bootId, bootMs: clock.bootMs() + within_s * 1000 };
    const reason = `in place; the ${by === 'link' ? 'broker' : 'fleet'} has ${within_s} s to confirm it`;
    const { said: document } = documentOf(config);
    const event = { event: 'applying', ...document, reason } as const;
    await said.tell(config, [trialRecord({ ...trial, phase: 'confirm', deadline })], [event]);
    // The broker has to have this very report.
    seqs.set(config, link.lastSeq());
    return 'again';
  };

  const confirm = async ({ config }: GatePlace, trial: Trial): Promise<StepEnd> => {
    const { id } = documentOf(config);
    if (id !== null && confirmed.get(config) === id) return proved(trial, 'fleet');
    const back = unwantedNow(trial);
    if (back !== null) return failed(trial, back, false);
    const { by, within_s } = trial.binds ?? { by: 'link', within_s: 0 };
    const seq = seqs.get(config);
    if (by === 'link' && seq !== undefined && link.acknowledgedSeq() >= seq) return proved(trial, 'link');
    const leftMs = (trial.deadline?.bootMs ?? 0) - clock.bootMs();
    if (leftMs <= 0) {
      const who = by === 'link' ? 'the broker could not be reached' : 'the fleet did not confirm it';
      return failed(trial, refuse('unconfirmed', `${who} within ${within_s} s`), false);
    }
    waiting.turnsAt(config, clock.wallMs() + leftMs);
    await said.tell(config, [], []);
    return 'rest';
  };

  const back = async (place: GatePlace, trial: Trial): Promise<StepEnd> => {
    const { config, settings } = place;
    const mayGo = () => mayGoBack(place);
    if (!mayGo()) {
      if (!trial.deferred) await said.tell(config, [trialRecord({ ...trial, deferred: true })], []);
      return hold(config, [unsafe('the rollback')], 'rollback-deferred');
    }
    try {
      const put = await withFiles(ports.targets, settings, (open) => mover.restore({ ...place, open }, trial, mayGo));
      if (put === null) throw new Error(`what ${config} held before is not kept`);
      if (put.kind !== 'hot') return 'again';
      if (put.lock.state === 'COLD') return 'retry';
      const { lock } = put;
      return hold(config, [unmetLock({ ...place, lock, lockWords: ports.lockWords(lock), onHot: 'wait' })]);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const reason = `the rollback does not succeed, and is tried again: ${error.message}`;
      await hold(config, [{ gate: 'disk', code: 'inconsistent', reason, key: `disk ${error.code}` }], 'alarm');
      return 'retry';
    }
  };

  const restored = async (place: GatePlace, trial: Trial): Promise<StepEnd> => {
    const { config, settings } = place;
    if (settings.reload !== undefined && settings.rollback_in_flight !== true && !isSafe(place)) {
      return hold(config, [unsafe('the reload after the rollback')], 'rollback-deferred');
    }
    const answer = await ask.reload(settings);
    if (answer.kind === 'stopped') return 'rest';
    await trialEndings.over(trial, answer.kind === 'failed' ? answer.reason : null);
    return 'again';
  };

  const asked = (config: string, update: string, phases: readonly Trial['phase'][]): Refusal | null => {
    const trial = trials.of(config);
    const { id } = documentOf(config);
    if (trial !== null && id === update && phases.includes(trial.phase)) return null;
    return refuse('no-such-update', `${config}: update ${update} does not wait to be confirmed`);
  };

  const wasCutOff = ({ fresh, phase, untried }: Trial) =>
    fresh && untried !== true && (phase === 'hooks' || phase === 'confirm');
  const cutOff = (trial: Trial) =>
    failed(trial, refuse('unconfirmed', 'the agent ended before it was confirmed'), false);

  return {
    async step(place, trial) {
      const { config } = place;
      waiting.turnsAt(config, null);
      const isOurs = alive.has(config);
      alive.add(config);
      if (!isOurs && wasCutOff(trial)) return cutOff(trial);
      if (trial.untried === true) {
        // From here on it is being tried: another crash takes it back.
        const { untried: _, ...tried } = trial;
        await said.tell(config, [trialRecord(tried)], []);
        return 'again';
      }
      switch (trial.phase) {
        case 'hooks':
          return hooks(place, trial);
        case 'confirm':
          return confirm(place, trial);
        case 'back':
          return back(place, trial);
        case 'restored':
          return restored(place, trial);
      }
    },
    async recover(place) {
      const { config } = place;
      const trial = trials.of(config);
      if (trial === null) return null;
      if (alive.has(config)) {
        // Completed just now: what has not been tried yet is not to blame.
        await said.tell(config, [trialRecord({ ...trial, untried: true })], []);
        return null;
      }
      if (!wasCutOff(trial) && trial.phase !== 'back') return null;
      // Nobody knows the vehicle yet.
      if (!mayGoBack(place)) return false;
      if (trial.phase !== 'back') await cutOff(trial);
      await back(place, trials.of(config) ?? trial);
      return trials.of(config)?.phase === 'restored';
    },
    confirm(config, update) {
      const refusal = asked(config, update, ['confirm']);
      if (refusal === null) confirmed.set(config, update);
      return refusal;
    },
    takeBack(config, update, why) {
      const refusal = asked(config, update, ['hooks', 'confirm']);
      if (refusal === null) unwanted.set(config, { update, why });
      return refusal;
    },
  };
}
