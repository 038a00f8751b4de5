import type { Frame } from '../../ports/broker.ts';
import { type Halt, parseHalt } from '../../values/halt.ts';
import { type Layer, parseDesiredTopic, parseOrderTopic } from '../../values/topics.ts';
import { readFields } from '../answers.ts';
import { bodyOf, type KeptDocument, readKept } from '../kept.ts';
import { versionIn } from '../versions.ts';
import { openFleetView, type SeenDevice, viewFilters } from '../view.ts';
import { addPulse, NO_PULSES, type Pulses, readPulse } from './health.ts';
import { type Plan, planTopic } from './plan.ts';

/** What a roll-out looks at. */
export interface SceneInput {
  readonly root: string;
  readonly config: string;
  readonly name: string;
  readonly target: Plan['target'];
  /** Reads a plan and looks at its signature; null if it is none of ours. */
  readPlan(payload: Uint8Array): Plan | null;
}

/** All that is known of a roll-out from the broker. It outlives a link. */
export interface Scene {
  /** What is kept there, to be read to its end before anything is decided. */
  readonly retained: readonly string[];
  /** What devices go on to say. */
  readonly live: readonly string[];
  take(frame: Frame): void;
  /** Counts up with every message that may change something. */
  changes(): number;
  devices(): ReadonlyMap<string, SeenDevice>;
  /** What is kept for an address; null for nothing. */
  kept(address: string, layer: Layer): KeptDocument | null;
  allKept(): readonly KeptDocument[];
  /** The highest version known for a place, used or reported. */
  highest(address: string, layer: Layer): number;
  /**
   * True once a device has said of this update that a more specific one hides it, that it has taken back what it was to take back, or
   * that it has ended with it and does not run it.
   */
  hasSaid(device: string, what: 'covered' | 'withdrawn' | 'ended', update: string): boolean;
  pulses(device: string): Pulses;
  /** From now on heartbeats of the device count as those after the change; `wasAway`: it is not there to be changed. */
  changed(device: string, wasAway?: boolean): void;
  plan(): Plan | null;
  /** The halt that is kept for the target; null for none. */
  halt(): Halt | null;
  /** Those of all addresses. */
  halts(): readonly Halt[];
}

/** Opens an empty one. */
export function openScene(input: SceneInput): Scene {
  const { root, config, name, target } = input;
  const view = openFleetView(root);
  const kept = new Map<string, KeptDocument>();
  const highest = new Map<string, number>();
  const said = new Set<string>();
  const pulses = new Map<string, Pulses>();
  const changed = new Set<string>();
  const state: {
    changes: number;
    plan: Plan | null;
    devices: ReadonlyMap<string, SeenDevice> | null;
  } = { changes: 0, plan: null, devices: null };
  const halts = new Map<string, Halt>();
  const devicePrefix = `${root}/v1/dev/`;
  const placeKey = (address: string, layer: Layer) => `${address} ${layer}`;
  const raise = (address: string, layer: Layer, version: number) => {
    const key = placeKey(address, layer);
    highest.set(key, Math.max(version, highest.get(key) ?? 0));
  };

  const takeDesired = (frame: Frame): boolean => {
    const place = parseDesiredTopic(root, frame.topic);
    if (place === null || place.config !== config) return false;
    const { address, layer } = place;
    const document = readKept(frame.payload, place);
    raise(address, layer, document?.version ?? versionIn(frame, { root, ...place }));
    if (document === null) kept.delete(placeKey(address, layer));
    else kept.set(placeKey(address, layer), document);
    return true;
  };
  const takeSaid = (frame: Frame): boolean => {
    if (!frame.topic.startsWith(devicePrefix)) return false;
    const [device = '', kind, of] = frame.topic.slice(devicePrefix.length).split('/');
    const fields = readFields(frame.payload);
    if (fields === null) return false;
    if (kind === 'hb') {
      // It was kept while there was no link: others, of how the device is now, may have come before it.
      if (frame.qos === 1) return false;
      const pulse = readPulse(fields);
      if (pulse === null) return false;
      const before = pulses.get(device) ?? NO_PULSES;
      pulses.set(device, addPulse(before, pulse, changed.has(device), performance.now()));
      return true;
    }
    if (kind === 'evt') {
      const what = whatIsSaid(fields);
      return what !== null && said.add(`${device} ${what} ${String(fields.update)}`).size > 0;
    }
    if (kind !== 'reported' || of !== config) return false;
    for (const part of [fields.running, fields.last_attempt]) {
      if (typeof part !== 'object' || part === null || !('address' in part && 'layer' in part && 'version' in part))
        continue;
      const { address, layer, version } = part;
      const isLayer = layer === 'base' || layer === 'shadow';
      if (typeof address === 'string' && isLayer && typeof version === 'number') raise(address, layer, version);
    }
    return false;
  };
  return {
    retained: [
      ...viewFilters(root),
      ...['dev/+', 'grp/+', 'all'].map((address) => `${root}/v1/${address}/desired/${config}/+`),
      ...['dev/+', 'grp/+', 'all'].map((address) => `${root}/v1/${address}/halt`),
      planTopic(root, name),
    ],
    live: [`${devicePrefix}+/hb`, `${devicePrefix}+/evt`],
    take(frame) {
      const before = state.changes;
      if (view.take(frame)) {
        state.devices = null;
        state.changes = before + 1;
      }
      if (takeDesired(frame) || takeSaid(frame)) state.changes = before + 1;
      const order = parseOrderTopic(root, frame.topic);
      if (order?.order === 'halt') {
        const halt = readHalt(frame.payload);
        if (halt === null || halt.aud !== order.address) halts.delete(order.address);
        else halts.set(order.address, halt);
        state.changes = before + 1;
      }
      if (frame.topic === planTopic(root, name)) {
        const plan = input.readPlan(frame.payload);
        if (plan !== null && plan.version >= (state.plan?.version ?? 0)) state.plan = plan;
        state.changes = before + 1;
      }
    },
    changes: () => state.changes,
    devices() {
      state.devices ??= new Map(view.devices().map((device) => [device.device, device]));
      return state.devices;
    },
    kept: (address, layer) => kept.get(placeKey(address, layer)) ?? null,
    allKept: () => [...kept.values()],
    highest: (address, layer) => highest.get(placeKey(address, layer)) ?? 0,
    hasSaid: (device, what, update) => said.has(`${device} ${what} ${update}`),
    pulses: (device) => pulses.get(device) ?? NO_PULSES,
    changed(device, wasAway = false) {
      changed.add(device);
      if (wasAway) pulses.set(device, { ...(pulses.get(device) ?? NO_PULSES), wasAway });
    },
    plan: () => state.plan,
    halt: () => halts.get(target) ?? null,
    halts: () => [...halts.values()],
  };
}

function whatIsSaid({ event, final }: Readonly<Record<string, unknown>>): 'covered' | 'withdrawn' | 'ended' | null {
  if (event === 'covered' || event === 'withdrawn') return event;
  const isEnd = event === 'refused' || event === 'failed' || event === 'rolled-back';
  return isEnd && final === true ? 'ended' : null;
}

function readHalt(payload: Uint8Array): Halt | null {
  const halt = parseHalt(bodyOf(payload));
  return 'kind' in halt ? null : halt;
}
