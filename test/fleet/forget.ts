import t from 'tap';
import { forgetDevice } from '../../agent/fleet/forget.ts';
import { connectFleet } from '../../agent/fleet/link.ts';
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
  t.same(await forgetDevice(link, 'fleet', 'd7', true), { online: true, topics }, 'not while it is online');
  t.same(await forgetDevice(link, 'fleet', 'd7', false), { online: true, topics });
  await keep('d7/status', '{"state":"offline"}');
  t.same(await forgetDevice(link, 'fleet', 'd7', true), { online: false, topics });
  t.same(await forgetDevice(link, 'fleet', 'd7', true), { online: false, topics: [] });
  t.same((await forgetDevice(link, 'fleet', 'd77', false)).topics, ['fleet/v1/dev/d77/status']);
});
