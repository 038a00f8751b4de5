import t from 'tap';
import { coveredOn } from '../../agent/fleet/covered.ts';
import type { KeptDocument } from '../../agent/fleet/kept.ts';
import { openFleetView } from '../../agent/fleet/view.ts';

const NOW_S = 1000;
const document = (
  layer: 'base' | 'shadow',
  address: KeptDocument['address'],
  iat: number,
  more = {},
): KeptDocument => ({
  ...{ id: `${layer} ${address} ${iat}`, config: 'aim', version: iat, layer, address, iat },
  ...{ withdraw: false, rollout: null, until: layer === 'shadow' ? NOW_S + 60 : null, ...more },
});

/** A device of the groups a and b that runs this document. */
function runs({ layer, address, version }: Pick<KeptDocument, 'layer' | 'address' | 'version'>) {
  const view = openFleetView('f');
  const say = (topic: string, body: object) =>
    view.take({ topic: `f/v1/dev/d/${topic}`, payload: Buffer.from(JSON.stringify(body)), retain: true });
  say('status', { state: 'online', groups: ['a', 'b'] });
  say('reported/aim', { running: { layer, address, version, digest: 'x' } });
  const [device] = view.devices();
  if (device === undefined) throw new Error('no device');
  return device;
}

t.test('a newer update below a more specific one is covered', async (t) => {
  const shadow = document('shadow', 'grp/a', 10);
  const device = runs(shadow);
  const covered = (...others: KeptDocument[]) => coveredOn(device, 'aim', [shadow, ...others], NOW_S)?.id ?? null;
  t.equal(covered(), null);
  t.equal(covered(document('base', 'all', 11)), 'base all 11');
  t.equal(covered(document('base', 'dev/d', 11)), 'base dev/d 11', 'a shadow stands before every base');
  t.equal(covered(document('base', 'all', 11), document('shadow', 'grp/b', 12)), 'shadow grp/b 12', 'the newest');
  t.equal(covered(document('base', 'all', 10)), null, 'not newer');
  t.equal(covered(document('shadow', 'dev/d', 11)), null, 'it stands above, and waits for something');
  t.equal(covered(document('base', 'grp/c', 11)), null, 'not for this device');
  t.equal(covered(document('base', 'all', 11, { config: 'nav' })), null);
  t.equal(covered(document('base', 'all', 11, { withdraw: true })), null);
  t.equal(covered(document('shadow', 'all', 11, { until: NOW_S })), null, 'its time is over');
});

t.test('the groups count in the order of the device, and what is not known is not guessed', async (t) => {
  const [a, b] = [document('base', 'grp/a', 10), document('base', 'grp/b', 11)];
  t.equal(coveredOn(runs(a), 'aim', [a, b], NOW_S)?.id, 'base grp/b 11');
  t.equal(coveredOn(runs(b), 'aim', [a, b], NOW_S), null);
  t.equal(coveredOn(runs(a), 'aim', [b], NOW_S), null, 'what runs is not kept any more');
  t.equal(coveredOn(runs(a), 'nav', [a, b], NOW_S), null);
});
