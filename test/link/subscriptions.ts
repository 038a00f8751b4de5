import t from 'tap';
import { subscriptionPackets } from '../../agent/link/subscriptions.ts';
import { addressesOf } from '../../agent/values/topics.ts';

const configs = ['camera', 'radio'];

t.test(
  'wildcards: one filter for the updates of an address, its keys and its stop sign, and one for commands',
  async (t) => {
    const addresses = addressesOf('drone-7', ['canary', 'north']);
    t.same(subscriptionPackets({ root: 'fleet', id: 'drone-7', addresses, configs, filters: 'wildcard' }), [
      [
        'fleet/v1/dev/drone-7/desired/+/+',
        'fleet/v1/grp/canary/desired/+/+',
        'fleet/v1/grp/north/desired/+/+',
        'fleet/v1/all/desired/+/+',
        'fleet/v1/dev/drone-7/trust',
        'fleet/v1/dev/drone-7/halt',
        'fleet/v1/grp/canary/trust',
        'fleet/v1/grp/canary/halt',
      ],
      [
        'fleet/v1/grp/north/trust',
        'fleet/v1/grp/north/halt',
        'fleet/v1/all/trust',
        'fleet/v1/all/halt',
        'fleet/v1/dev/drone-7/cmd/+',
      ],
    ]);
  },
);

t.test('exact: every config and layer of every address, every command, at most 8 a packet', async (t) => {
  const addresses = addressesOf('drone-7', ['canary']);
  const packets = subscriptionPackets({ root: 'fleet', id: 'drone-7', addresses, configs, filters: 'exact' });
  t.same(
    packets.map(({ length }) => length),
    [8, 8, 6],
  );
  t.equal(new Set(packets.flat()).size, 22);
  t.ok(packets.flat().includes('fleet/v1/grp/canary/desired/radio/shadow'));
  for (const name of ['release', 'refresh', 'confirm', 'rollback']) {
    t.ok(packets.flat().includes(`fleet/v1/dev/drone-7/cmd/${name}`), name);
  }
  t.notOk(packets.flat().some((filter) => filter.includes('+')));
});
