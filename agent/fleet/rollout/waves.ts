import { createHash } from 'node:crypto';
import { NAME } from '../../values/units.ts';
import type { Wave } from './plan.ts';

/** Who belongs to a wave: so many devices in all, so much of the fleet in all, devices by name, or a group. */
export type WaveWish =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'percent'; readonly percent: number }
  | { readonly kind: 'devices'; readonly devices: readonly string[] }
  | { readonly kind: 'group'; readonly group: string };

/** A device that may be in a wave. */
export interface Candidate {
  readonly device: string;
  readonly groups: readonly string[];
}

/** Reads `3`, `10%` or `grp/ring1`; null if it is none of these. */
export function parseWave(text: string): WaveWish | null {
  if (/^[1-9]\d{0,8}$/.test(text)) return { kind: 'count', count: Number(text) };
  const percent = /^(\d{1,3})%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) >= 1 && Number(percent) <= 100) {
    return { kind: 'percent', percent: Number(percent) };
  }
  const group = /^grp\/(.+)$/.exec(text)?.[1];
  return group !== undefined && NAME.test(group) ? { kind: 'group', group } : null;
}

/** Reads who the canary is: what {@link parseWave} reads, or names of devices with commas between. */
export function parseCanary(text: string): WaveWish | null {
  const wave = parseWave(text);
  if (wave !== null) return wave;
  const devices = text.split(',').map((one) => one.trim());
  return devices.every((one) => NAME.test(one)) ? { kind: 'devices', devices: [...new Set(devices)] } : null;
}

/**
 * Deals the fleet out to waves. Numbers and percentages are of all who have had their turn by then; nobody is in two waves. The order
 * is drawn from the name of the roll-out, so that it is not always the same devices that go first. A wave without devices is left out.
 * Pure.
 */
export function dealWaves(
  name: string,
  fleet: readonly Candidate[],
  wishes: readonly WaveWish[],
  success: number,
): readonly Wave[] {
  const lot = ({ device }: Candidate) => createHash('sha256').update(`${name}\n${device}`).digest('hex');
  const named = wishes.flatMap((wish) => (wish.kind === 'devices' ? wish.devices : []));
  const groups = wishes.flatMap((wish) => (wish.kind === 'group' ? [wish.group] : []));
  // Who is called by name, or with a group, waits for that call.
  const isCalled = ({ device, groups: own }: Candidate) =>
    named.includes(device) || own.some((group) => groups.includes(group));
  const lots = [...fleet].sort((a, b) => (lot(a) < lot(b) ? -1 : 1));
  const drawn = [...lots.filter((one) => !isCalled(one)), ...lots.filter(isCalled)];
  const dealt = new Set<string>();
  const waves: Wave[] = [];
  for (const wish of wishes) {
    const free = drawn.filter(({ device }) => !dealt.has(device));
    const devices = pick(wish, free, dealt.size, fleet.length);
    if (devices.length === 0) continue;
    for (const device of devices) dealt.add(device);
    const first = waves.length === 0;
    waves.push({
      name: first ? 'canary' : `wave ${waves.length}`,
      group: wish.kind === 'group' ? wish.group : null,
      devices: [...devices].sort(),
      success: first ? 100 : success,
    });
  }
  return waves;
}

function pick(wish: WaveWish, free: readonly Candidate[], done: number, all: number): readonly string[] {
  const names = (some: readonly Candidate[]) => some.map(({ device }) => device);
  switch (wish.kind) {
    case 'devices':
      return names(free.filter(({ device }) => wish.devices.includes(device)));
    case 'group':
      return names(free.filter(({ groups }) => groups.includes(wish.group)));
    case 'count':
      return names(free.slice(0, Math.max(0, wish.count - done)));
    case 'percent':
      return names(free.slice(0, Math.max(0, Math.ceil((all * wish.percent) / 100) - done)));
  }
}
