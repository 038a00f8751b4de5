import t from 'tap';
import { startEmbedded } from '../../agent/host/embedded.ts';
import { linkSettings, startLink } from '../fixtures/link.ts';
import { until } from '../fixtures/until.ts';

t.test('a broker for trying things out: retained updates reach a device that comes later', async (t) => {
  const broker = await startEmbedded();
  const topic = 'fleet/v1/all/desired/camera/base';
  const one = startLink(t, linkSettings([broker.url]));
  await one.state('connected');
  t.equal(await one.publish()?.(topic, 'x', { qos: 1, retain: true }), 0);
  await one.session.stop('done');
  const two = startLink(t, linkSettings([broker.url]));
  await until('the update', () => two.frames.length === 1);
  t.equal(two.frames[0]?.topic, topic);
  await two.session.stop('done');
  await broker.close();
});

t.test('it closes with clients still there, and says when its port is taken', async (t) => {
  const broker = await startEmbedded();
  const link = startLink(t, linkSettings([broker.url]));
  await link.state('connected');
  const port = Number(new URL(broker.url).port);
  await t.rejects(startEmbedded(port), { code: 'EADDRINUSE' });
  await broker.close();
  await link.state('nobody-listens');
});
