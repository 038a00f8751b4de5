import { randomUUID } from 'node:crypto';
import { isFields } from '../../values/fields.ts';
import { addressesOf } from '../../values/topics.ts';
import { isInForce, type KeptDocument } from '../kept.ts';
import type { SeenDevice } from '../view.ts';
import { nowS, sayHalt } from './context.ts';
import type { Plan, RolloutRules } from './plan.ts';
import { newRunner } from './run.ts';
import type { Scene } from './scene.ts';
import { haltOver } from './sender.ts';
import { type Candidate, dealWaves, type WaveWish } from './waves.ts';

/** What an operator asks for. */
export interface DraftWish {
  readonly name: string;
  readonly config: string;
  readonly target: Plan['target'];
  readonly digest: string;
  /** Epoch seconds. */
  readonly until: number;
  readonly waves: readonly WaveWish[];
  readonly success: number;
  readonly rules: RolloutRules;
  /** Devices that are offline are in the waves too, instead of getting it with the promotion. */
  readonly withOffline: boolean;
  /** Roll-outs of the config that are over. */
  readonly over: readonly string[];
}

/** A device that a roll-out cannot reach, and what stands above it there. */
export interface Hidden {
  readonly device: string;
  readonly by: string;
}

/** A device that waits as long as a halt holds it, which stops the roll-out at its wave; and the halt in words. */
export interface Halted {
  readonly device: string;
  readonly by: string;
}

/** A plan, and what stands in its way. */
export interface Draft {
  readonly plan: Plan;
  /** How many devices it is for, the later ones too. */
  readonly fleet: number;
  readonly hidden: readonly Hidden[];
  readonly halted: readonly Halted[];
  /** Devices called by name that are not there, or are offline. */
  readonly missing: readonly string[];
  /** Everybody runs it as the base of the target already. */
  readonly isDone: boolean;
}

/** Makes a plan from what the broker keeps. Pure but for the time and a number that is drawn. */
export function draftPlan(scene: Scene, wish: DraftWish): Draft {
  const { name, config, target, digest, until, rules } = wish;
  const all = [...scene.devices().values()].filter(
    (device) => device.wire.configs[config] !== undefined && isIn(device, target),
  );
  const kept = scene.allKept();
  const isLeft = (one: KeptDocument) =>
    one.layer === 'shadow' && one.rollout !== null && wish.over.includes(one.rollout) && isInForce(one, nowS());
  const left = kept.filter(isLeft);
  const others = kept.filter((one) => !isLeft(one));
  const hidden = all.flatMap((device): readonly Hidden[] => {
    const by = hider(others, device, target);
    return by === null ? [] : [{ device: device.device, by }];
  });
  const isHidden = new Set(hidden.map(({ device }) => device));
  const free = all.filter(({ device }) => !isHidden.has(device));
  const now = free.filter(({ online }) => wish.withOffline || online === true);
  const candidates = now.map((device): Candidate => ({ device: device.device, groups: device.groups }));
  // The document of a group reaches all of it, also later on: where somebody in it is to be left alone, is away, or has what is left of
  // an older roll-out above it, each device of the wave gets one of its own.
  const isPlain = ({ device, groups }: SeenDevice) =>
    !left.some(({ address }) => addressesOf(device, groups).includes(address));
  const isWhole = (group: string) =>
    [...scene.devices().values()].every(
      (device) =>
        !device.groups.includes(group) ||
        device.wire.configs[config] === undefined ||
        (now.includes(device) && isPlain(device)),
    );
  const waves = dealWaves(name, candidates, wish.waves, wish.success).map((wave) =>
    wave.group === null || isWhole(wave.group) ? wave : { ...wave, group: null },
  );
  const named = wish.waves.flatMap((wave) => (wave.kind === 'devices' ? wave.devices : []));
  const empty = wish.waves.flatMap((wave) =>
    wave.kind === 'group' && !now.some(({ groups }) => groups.includes(wave.group)) ? [`grp/${wave.group}`] : [],
  );
  const at = nowS();
  return {
    plan: {
      ...{ v: 1, name, version: 0, iat: at, config, target, digest, until, waves, rules },
      later: free.filter((device) => !now.includes(device)).map(({ device }) => device),
      over: [...new Set(left.flatMap(({ rollout }) => rollout ?? []))],
      ...{ stage: 'waves', wave: 0, since: at, skipped: [], runner: newRunner(), why: null },
    },
    fleet: free.length,
    hidden,
    halted: free.flatMap((device) => haltedBy(scene, device, wish)),
    missing: [...named.filter((device) => !candidates.some((one) => one.device === device)), ...empty],
    isDone: free.length > 0 && free.every((device) => runsAlready(device, wish)),
  };
}

function isIn(device: SeenDevice, target: Plan['target']): boolean {
  return target === 'all' || device.groups.includes(target.slice('grp/'.length));
}

function runsAlready({ wire }: SeenDevice, { config, target, digest }: DraftWish): boolean {
  const reported = wire.configs[config];
  const running = isFields(reported) ? reported.running : null;
  if (!isFields(running)) return false;
  return running.layer === 'base' && running.address === target && running.digest === digest;
}

/** The halt in force that holds a device. */
function haltedBy(scene: Scene, { device, groups }: SeenDevice, wish: DraftWish): readonly Halted[] {
  const addresses: readonly string[] = addressesOf(device, groups);
  const halt = scene.halts().find((one) => addresses.includes(one.aud) && haltOver(one, wish, nowS()) !== null);
  return halt === undefined ? [] : [{ device, by: sayHalt(halt) }];
}

/** What would hide the base for the target on a device, or has the place of our shadow; null for nothing. */
function hider(kept: readonly KeptDocument[], device: SeenDevice, target: Plan['target']): string | null {
  const addresses = addressesOf(device.device, device.groups);
  const now = nowS();
  const above = addresses.slice(0, addresses.indexOf(target));
  const found = kept.find(
    (one) =>
      isInForce(one, now) && (one.layer === 'shadow' ? addresses.includes(one.address) : above.includes(one.address)),
  );
  return found === undefined ? null : `${found.layer} version ${found.version} for ${found.address}`;
}

/** A name for a roll-out that was given none. */
export function newName(config: string): string {
  return `${config.slice(0, 50)}-${randomUUID().slice(0, 8)}`;
}
