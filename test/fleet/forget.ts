import t from 'tap';
import { forgetDevice } from '../../agent/fleet/forget.ts';
import { connectFleet, type FleetLink } from '../../agent/fleet/link.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';

t.test('what is kept of a device goes, what is kept of others stays', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const link = await connectFleet({
    ...{ url: broker.url, protocol: '3.1.1', username: null, passwordFile: null },
    tls: { ca: null, cert: null, key: null, servername: null },
  });
  t.teardown(() => link.close());
  const keep = (topic: string, text: string) => mosquittoPub(broker, `fleet/v1/dev/${topic}`, text, { retain: true });
  await keep('d7/status', '{"state":"online"}');
  await keep('d7/desired/aim/base', 'x.y.z');
  await keep('d77/status', '{"state":"offline"}');
  const topics = ['fleet/v1/dev/d7/desired/aim/base', 'fleet/v1/dev/d7/status'];
  t.same(await forgetDevice(link, 'fleet', 'd7', true), { online: true, topics, left: [] }, 'not while it is online');
  t.same(await forgetDevice(link, 'fleet', 'd7', false), { online: true, topics, left: [] });
  await keep('d7/status', '{"state":"offline"}');
  const comesBack: FleetLink = {
    ...link,
    async publish(topic, payload, how) {
      const code = await link.publish(topic, payload, how);
      if (topic.endsWith('/status')) await keep('d7/status', '{"state":"online"}');
      return code;
    },
  };
  const back = { online: true, topics, left: ['fleet/v1/dev/d7/status'] };
  t.same(await forgetDevice(comesBack, 'fleet', 'd7', true), back, 'it came back meanwhile');
  await keep('d7/status', '{"state":"offline"}');
  await keep('d7/desired/aim/base', 'x.y.z');
  t.same(await forgetDevice(link, 'fleet', 'd7', true), { online: false, topics, left: [] });
  t.same(await forgetDevice(link, 'fleet', 'd7', true), { online: false, topics: [], left: [] });
  t.same((await forgetDevice(link, 'fleet', 'd77', false)).topics, ['fleet/v1/dev/d77/status']);
});

t.test('what may not be written is said to be there still', { timeout: 60_000 }, async (t) => {
  const acl = ['topic readwrite fleet/v1/dev/d7/desired/#', 'topic read fleet/#', 'user root', 'topic readwrite #'];
  const broker = await startMosquitto(t, {
    users: { root: 'pw' },
    acl: acl.join('\n'),
    extra: ['allow_anonymous true'],
  });
  const keep = (topic: string) =>
    mosquittoPub(broker, `fleet/v1/dev/d7/${topic}`, '{}', { retain: true, username: 'root', password: 'pw' });
  for (const topic of ['desired/aim/base', 'reported/aim', 'status']) await keep(topic);
  for (const protocol of ['3.1.1', '5'] as const) {
    const link = await connectFleet({
      ...{ url: broker.url, protocol, username: null, passwordFile: null },
      tls: { ca: null, cert: null, key: null, servername: null },
    });
    t.match(await forgetDevice(link, 'fleet', 'd7', true), {
      left: ['fleet/v1/dev/d7/reported/aim', 'fleet/v1/dev/d7/status'],
    });
    link.close();
  }
});
