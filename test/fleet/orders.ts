import t from 'tap';
import { connectFleet } from '../../agent/fleet/link.ts';
import { type OrderAnswer, publishOrder, retainedHalt } from '../../agent/fleet/orders.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';

t.test('an order is kept by the broker, and each device that answers is heard once', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const link = await connectFleet({
    ...{ url: broker.url, protocol: '3.1.1', username: null, passwordFile: null },
    tls: { ca: null, cert: null, key: null, servername: null },
  });
  t.teardown(() => link.close());
  t.equal(await retainedHalt(link, 'fleet', 'all'), null);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const halt = { v: 1, id: 'h', aud: 'all', version: 3, iat: 7 };
  const text = `${part({ alg: 'EdDSA' })}.${part(halt)}.c2ln`;
  const watch = await mosquittoSub(t, broker, ['fleet/v1/all/halt']);
  const heard: OrderAnswer[] = [];
  const wish = { root: 'fleet', address: 'all', order: 'halt', version: 3, text, withinMs: 20_000 } as const;
  const done = publishOrder(link, { ...wish, wait: 2, onAnswer: (answer) => void heard.push(answer) });
  await watch.next(({ payload }) => payload.toString() === text);
  const evt = (device: string, body: object) =>
    mosquittoPub(broker, `fleet/v1/dev/${device}/evt`, JSON.stringify({ address: 'all', version: 3, ...body }));
  await evt('a', { event: 'halted', version: 2 });
  await evt('a', { event: 'halted', address: 'grp/x' });
  await evt('a', { event: 'halted', config: 'aim', reason: 'goes ahead' });
  await evt('a', { event: 'refused', reason: 'an update', code: 'replayed' });
  await evt('a', { event: 'halted', reason: 'all updates wait' });
  await evt('a', { event: 'halted', reason: 'all updates wait' });
  await evt('b', { event: 'refused', reason: 'halt: signed by a stranger', code: 'unknown-key' });
  const answers = [
    { device: 'a', taken: true, code: null, reason: 'all updates wait' },
    { device: 'b', taken: false, code: 'unknown-key', reason: 'halt: signed by a stranger' },
  ];
  t.same(await done, answers);
  t.same(heard, answers);
  t.same(await retainedHalt(link, 'fleet', 'all'), halt);
  t.same(await publishOrder(link, { ...wish, wait: 0, onAnswer: () => {} }), []);
  await mosquittoPub(broker, 'fleet/v1/grp/x/halt', 'junk', { retain: true });
  t.equal(await retainedHalt(link, 'fleet', 'grp/x'), null);
});
