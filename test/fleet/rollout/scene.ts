import t from 'tap';
import { planTopic } from '../../../agent/fleet/rollout/plan.ts';
import { openScene } from '../../../agent/fleet/rollout/scene.ts';
import { plan } from '../../fixtures/rollout.ts';

const open = () =>
  openScene({
    ...{ root: 'fleet', config: 'aim', name: 'spring', target: 'all' },
    readPlan: (payload) => {
      const version = Number(Buffer.from(payload).toString());
      return Number.isNaN(version) ? null : plan({ version });
    },
  });
const jws = (payload: object) => `x.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x`;
const frame = (topic: string, body: object | string) => ({
  ...{ topic: `fleet/v1/${topic}`, retain: true },
  payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});
const tombstone = (aud: string, version: number, more: object = {}) =>
  jws({ v: 1, id: `u${version}`, aud, config: 'aim', layer: 'shadow', version, iat: 5, withdraw: true, ...more });

t.test('documents: what is kept, by whom, and the highest version', async (t) => {
  const scene = open();
  scene.take(frame('dev/d1/desired/aim/shadow', tombstone('dev/d1', 4, { rollout: 'spring' })));
  scene.take(frame('dev/d1/desired/other/shadow', tombstone('dev/d1', 9)));
  t.match(scene.kept('dev/d1', 'shadow'), {
    ...{
      id: 'u4',
      version: 4,
      address: 'dev/d1',
      layer: 'shadow',
      iat: 5,
      withdraw: true,
      rollout: 'spring',
      until: null,
    },
  });
  t.equal(scene.kept('dev/d1', 'base'), null);
  scene.take(
    frame('dev/d1/reported/aim', { running: { version: 7, layer: 'shadow', address: 'dev/d1' }, last_attempt: null }),
  );
  t.equal(scene.highest('dev/d1', 'shadow'), 7, 'a broker that has forgotten is put right by the device');
  t.equal(scene.highest('all', 'base'), 0);
  t.equal(scene.allKept().length, 1);
  scene.take(frame('dev/d1/desired/aim/shadow', ''));
  t.same([scene.kept('dev/d1', 'shadow'), scene.highest('dev/d1', 'shadow')], [null, 7]);
});

t.test('what devices say; each message that matters counts', async (t) => {
  const scene = open();
  const count = (topic: string, body: object | string) => {
    const before = scene.changes();
    scene.take(frame(topic, body));
    return scene.changes() - before;
  };
  t.equal(count('dev/d1/status', { state: 'online' }), 1);
  t.equal(scene.devices().get('d1')?.online, true);
  t.equal(count('dev/d1/evt', { event: 'covered', update: 'u' }), 1);
  t.equal(count('dev/d1/evt', { event: 'started' }), 0);
  t.ok(scene.hasSaid('d1', 'covered', 'u'));
  t.notOk(scene.hasSaid('d1', 'withdrawn', 'u'));
  t.notOk(scene.hasSaid('d2', 'covered', 'u'));
  t.equal(count('dev/d1/evt', { event: 'refused', update: 'hot', final: false }), 0);
  for (const event of ['refused', 'failed', 'rolled-back']) {
    t.equal(count('dev/d1/evt', { event, update: event, final: true }), 1);
    t.ok(scene.hasSaid('d1', 'ended', event));
  }
  t.notOk(scene.hasSaid('d1', 'ended', 'hot'), 'it waits, and is applied by itself');
  const hb = (seq: number) => ({ at: `2026-01-01T00:00:0${seq}.000Z`, seq, uptime_s: seq, link: { reconnects: 0 } });
  t.equal(count('dev/d1/hb', hb(1)), 1);
  scene.changed('d1');
  count('dev/d1/hb', hb(2));
  t.match(scene.pulses('d1'), { before: { seq: 1 }, after: { seq: 2 } });
  scene.take({ ...frame('dev/d1/hb', { ...hb(3), boot: 'kept without a link' }), qos: 1 });
  t.equal(count('dev/d1/hb', hb(4)), 1);
  t.match(scene.pulses('d1'), { after: { seq: 4 }, restarts: 0 });
  t.match(scene.pulses('d1'), { wasAway: false });
  scene.changed('d9', true);
  t.match(scene.pulses('d9'), { wasAway: true });
  t.match(scene.pulses('d9'), { before: null, after: null, heardMs: null });
  t.equal(count('dev/d1/hb', 'x'), 0);
});

t.test('plan and halt of the target', async (t) => {
  const scene = open();
  const topic = planTopic('fleet', 'spring').slice('fleet/v1/'.length);
  scene.take(frame(topic, '5'));
  scene.take(frame(topic, '4'));
  scene.take(frame(topic, 'x'));
  t.equal(scene.plan()?.version, 5, 'an older one, or one nobody trusts, changes nothing');
  scene.take(frame('all/halt', jws({ v: 1, id: 'h', aud: 'all', version: 3, iat: 5, rollout: 'spring' })));
  t.match(scene.halt(), { version: 3, rollout: 'spring' });
  scene.take(frame('grp/a/halt', jws({ v: 1, id: 'g', aud: 'grp/a', version: 4, iat: 5 })));
  scene.take(frame('dev/d1/halt', jws({ v: 1, id: 'g', aud: 'grp/a', version: 5, iat: 5 })));
  t.match(scene.halts(), [{ aud: 'all' }, { aud: 'grp/a', version: 4 }], 'what was signed for another address is none');
  scene.take(frame('all/halt', ''));
  t.equal(scene.halt(), null);
  t.equal(scene.halts().length, 1);
});
