import type { SaidError } from '../../values/errors.ts';
import { isFields } from '../../values/fields.ts';
import type { Halt } from '../../values/halt.ts';
import { addressesOf } from '../../values/topics.ts';
import type { KeptDocument } from '../kept.ts';
import type { FleetLink } from '../link.ts';
import { whyWorse } from './health.ts';
import type { JudgedWave } from './judge.ts';
import { addressIn, type Plan, type Wave } from './plan.ts';
import type { Scene } from './scene.ts';
import { haltOver, type SenderInput } from './sender.ts';
import { type Standing, standingOf } from './standing.ts';

/** What a person is told on the way. */
export interface Show {
  /** A line that stands by itself. */
  note(text: string): void;
  /** How everybody stands; only what has changed is worth a line. */
  standings(plan: Plan, waves: readonly JudgedWave[]): void;
  /** How far it is, where there is nothing to say of single devices. */
  progress(text: string): void;
}

/** How a run has ended. */
export type RunEnd =
  | { readonly kind: 'done'; readonly left: readonly string[] }
  /** As it was asked to. */
  | { readonly kind: 'paused' }
  /** By a lock that is HOT, or by a halt. */
  | { readonly kind: 'held'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly left: readonly string[] }
  /** Taken back, because somebody said so. */
  | { readonly kind: 'halted'; readonly why: string; readonly left: readonly string[] }
  /** Somebody else goes on with it. */
  | { readonly kind: 'taken'; readonly why: string };

/** A release that a device was asked for, with the token that its lock had. */
export interface Tried {
  readonly token: number;
  readonly state: 'asked' | 'worked' | 'failed';
}

/** What the stages of a roll-out work with. It outlives a link. */
export interface Run extends SenderInput {
  /** The plan as this process has kept it last. */
  plan: Plan;
  readonly show: Show;
  /** Since when heartbeats are listened to, monotonic ms. */
  listensMs: number;
  /** Devices that were sent it although none of their heartbeats had come: they owe none afterwards either. */
  readonly mute: Set<string>;
  /** What a person is told once only. */
  readonly told: Set<string>;
  /** Since when enough of the current wave have been well, monotonic ms; null: they are not. */
  readyMs: number | null;
  /** Releases that were tried, by device. */
  readonly released: Map<string, Tried>;
  /** Why what was begun beside the looks could not be done. */
  fault: SaidError | null;
  /** The id of the base document that this process has published; null: none yet. */
  promoted: string | null;
  /** Why no stop sign could be left; null while one could. */
  noSign: string | null;
  /** Has the broker keep the plan with these changes, before anything is done by them. */
  keep(link: FleetLink, changes: Partial<Plan>): Promise<void>;
}

/** What a process that begins with a roll-out, or goes on with it, knows of it besides what is kept: nothing, and it listens from now on. */
export function nothingHeard(): Pick<
  Run,
  'listensMs' | 'mute' | 'told' | 'readyMs' | 'released' | 'fault' | 'promoted' | 'noSign'
> {
  return {
    ...{ listensMs: performance.now(), mute: new Set(), told: new Set(), released: new Map() },
    ...{ readyMs: null, fault: null, promoted: null, noSign: null },
  };
}

/** Says a line that is worth saying once. */
export function sayOnce({ told, show }: Pick<Run, 'told' | 'show'>, text: string): void {
  if (told.has(text)) return;
  told.add(text);
  show.note(text);
}

/** Epoch seconds now. */
export function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

/** The end for us where somebody else is at it; null where nobody is. */
export function takenFrom({ scene, plan }: Pick<Run, 'scene' | 'plan'>): RunEnd | null {
  const kept = scene.plan();
  if (kept === null || kept.version < plan.version || kept.runner === plan.runner) return null;
  const does = kept.stage === 'paused' ? 'has paused' : 'goes on with';
  return { kind: 'taken', why: `somebody else ${does} ${plan.name} (${kept.stage})` };
}

/** True for a document of this roll-out that is in force. */
export function isOurs(kept: KeptDocument | null, plan: Pick<Plan, 'name'>): kept is KeptDocument {
  return kept !== null && kept.rollout === plan.name && !kept.withdraw;
}

/** True for a shadow that an older roll-out has left on a device that was away: it gives way. */
export function isLeftOver({ layer, rollout }: KeptDocument, { over }: Pick<Plan, 'over'>): boolean {
  return layer === 'shadow' && rollout !== null && over.includes(rollout);
}

/** What somebody else has put in the place of our document since we are at it; null if nobody has. */
export function foreignAt(kept: KeptDocument | null, plan: Plan): string | null {
  if (kept === null || kept.rollout === plan.name || isLeftOver(kept, plan)) return null;
  if (kept.withdraw) return kept.iat > plan.since ? `version ${kept.version} has taken it back` : null;
  if (kept.layer === 'shadow' && kept.until !== null && kept.until <= nowS()) return null;
  return `another ${kept.layer} for ${kept.address} (version ${kept.version}) has its place`;
}

/**
 * The document of this roll-out that a device runs, whichever wave it is of: who is in several groups goes over to that of a later wave
 * where that group stands first with it. Null if it runs none.
 */
function runningOf(device: string, plan: Plan, scene: Scene): KeptDocument | null {
  const reported = scene.devices().get(device)?.wire.configs[plan.config];
  const running = isFields(reported) ? reported.running : null;
  if (!isFields(running) || running.layer !== 'shadow' || typeof running.address !== 'string') return null;
  const kept = scene.kept(running.address, 'shadow');
  return isOurs(kept, plan) && kept.version === running.version ? kept : null;
}

/** Since when a device runs what it runs, epoch ms by its own clock; null if it does not say. */
function ranMsOf(device: string, plan: Plan, scene: Scene): number | null {
  const reported = scene.devices().get(device)?.wire.configs[plan.config];
  const running = isFields(reported) ? reported.running : null;
  const ms = isFields(running) && typeof running.since === 'string' ? Date.parse(running.since) : Number.NaN;
  return Number.isFinite(ms) ? ms : null;
}

/** How the devices of a wave stand: to their shadow, or to the base from the promotion on. */
export function standingsOf(wave: Wave, plan: Plan, scene: Scene): readonly Standing[] {
  const now = nowS();
  const isPromoted = plan.stage === 'promoting' || plan.stage === 'done';
  return wave.devices.map((device) => {
    const kept = isPromoted ? scene.kept(plan.target, 'base') : scene.kept(addressIn(wave, device), 'shadow');
    // From the promotion on a shadow is not what is waited for, even one of ours.
    const running = isPromoted ? null : runningOf(device, plan, scene);
    const sent = isOurs(kept, plan) ? (running ?? kept) : null;
    const other = foreignAt(kept, plan);
    if (other !== null) return { device, state: 'covered', why: other, code: null, isLate: false, lock: null };
    const sinceS = plan.since;
    const watchedS = plan.rules.within_s + plan.rules.soak_s;
    const since = { ranMs: ranMsOf(device, plan, scene), watchedS };
    return standingOf({
      ...{ device, config: plan.config, seen: scene.devices().get(device) ?? null, sent, nowS: now, sinceS },
      withinS: plan.rules.within_s,
      isSkipped: plan.skipped.includes(device),
      worse: sent === null ? null : whyWorse(scene.pulses(device), { changedS: sent.iat, nowS: now, ...since }),
    });
  });
}

/**
 * The halt in force that holds the roll-out where it stands: of its target, of all, or of devices whose turn it is: they would wait until
 * their time is over. Null if there is none.
 */
export function haltOn(scene: Scene, plan: Plan): Halt | null {
  const turn = plan.stage === 'promoting' ? plan.waves : plan.waves.slice(plan.wave, plan.wave + 1);
  const devices = turn.flatMap((wave) => wave.devices).filter((device) => !plan.skipped.includes(device));
  const addresses = new Set<string>([plan.target, 'all']);
  for (const device of devices) {
    for (const address of addressesOf(device, scene.devices().get(device)?.groups ?? [])) addresses.add(address);
  }
  const over = scene.halts().filter((halt) => addresses.has(halt.aud) && haltOver(halt, plan, nowS()) !== null);
  // One that somebody else has put there says more than our own.
  return over.find(({ rollout }) => rollout !== plan.name) ?? over[0] ?? null;
}

/** A halt in words. */
export function sayHalt(halt: Halt): string {
  const what = halt.rollout === undefined ? (halt.configs?.join(', ') ?? 'all updates') : `roll-out ${halt.rollout}`;
  return `halt version ${halt.version} for ${halt.aud} holds ${what}${halt.note === undefined ? '' : `: ${halt.note}`}`;
}
