import { addressesOf } from '../values/topics.ts';
import { isInForce, type KeptDocument } from './kept.ts';
import type { SeenDevice } from './view.ts';

/** A place: who for, and in which layer. */
type Place = Pick<KeptDocument, 'address' | 'layer'>;

/**
 * The newest update for a config that a device will not run because a more specific one stands above it, although it was signed later;
 * null for none. What it runs and its groups are as it said them; `nowS` is epoch seconds. Pure.
 */
export function coveredOn(
  device: SeenDevice,
  config: string,
  kept: readonly KeptDocument[],
  nowS: number,
): KeptDocument | null {
  const report = device.configs[config];
  if (report === undefined) return null;
  const addresses = addressesOf(device.device, device.groups);
  /** Where a place stands: the lower one is effective. */
  const rank = ({ address, layer }: Place) => addresses.indexOf(address) + (layer === 'shadow' ? 0 : addresses.length);
  const mine = kept.filter((one) => one.config === config && addresses.includes(one.address));
  const runs = mine.find(
    ({ address, layer, version }) => address === report.address && layer === report.layer && version === report.version,
  );
  // What runs is not kept any more: nothing can be said of which is the newer.
  if (runs === undefined) return null;
  const hidden = mine.filter((one) => isInForce(one, nowS) && rank(one) > rank(runs) && one.iat > runs.iat);
  return hidden.sort((a, b) => b.iat - a.iat)[0] ?? null;
}
