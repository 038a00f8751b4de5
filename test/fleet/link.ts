import { once } from 'node:events';
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import t from 'tap';
import { connectFleet, LinkFailure } from '../../agent/fleet/link.ts';
import { agree, PACKETS, startFakeBroker } from '../fixtures/fake-broker.ts';
import { freePort, startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';

const PLAIN = {
  protocol: '3.1.1',
  username: null,
  passwordFile: null,
  tls: { ca: null, cert: null, key: null, servername: null },
} as const;

t.test('a link publishes, listens, and says how it ended', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const watch = await mosquittoSub(t, broker, ['#']);
  const link = await connectFleet({ ...PLAIN, url: broker.url });
  const heard: string[] = [];
  const arrived = new Promise<void>((resolve) => {
    link.listen(({ payload }) => {
      heard.push(payload.toString());
      resolve();
    });
  });
  t.same(await link.subscribe(['a/+']), [1]);
  await mosquittoPub(broker, 'a/b', 'hello');
  await arrived;
  t.same(heard, ['hello']);
  t.equal(await link.publish('c', 'there', { retain: false }), 0);
  t.equal((await watch.next(({ topic }) => topic === 'c')).payload.toString(), 'there');
  await broker.kill9();
  t.match(await link.ended, { connected: true });
  await t.rejects(link.publish('c', 'x', { retain: false }), LinkFailure);
  t.notOk(
    watch.seen.some(({ topic }) => topic.includes('status')),
    'an operator leaves no will',
  );
});

t.test('many filters go in packets of eight, and are answered in order', async (t) => {
  const counts: number[] = [];
  const broker = await startFakeBroker(t, (packet, socket) => {
    if (packet.type !== PACKETS.subscribe) return agree(packet, socket);
    const granted: number[] = [];
    for (let at = 2; at < packet.body.length; at += 3 + packet.body.readUInt16BE(at)) {
      granted.push(packet.body.subarray(at + 2, at + 2 + packet.body.readUInt16BE(at)).toString() === 'f9' ? 128 : 1);
    }
    counts.push(granted.length);
    socket.write(Buffer.from([0x90, 2 + granted.length, packet.body[0] ?? 0, packet.body[1] ?? 0, ...granted]));
  });
  const link = await connectFleet({ ...PLAIN, url: broker.url }, { refusedAgainMs: [] });
  t.teardown(() => link.close());
  const codes = await link.subscribe(Array.from({ length: 17 }, (_, index) => `f${index}`));
  t.same(counts, [8, 8, 1]);
  t.same([codes.length, codes.indexOf(128)], [17, 9]);
});

t.test('nobody there', async (t) => {
  const failure = await connectFleet({ ...PLAIN, url: `mqtt://127.0.0.1:${await freePort()}` }).catch(
    (error: unknown) => error,
  );
  if (!(failure instanceof LinkFailure)) throw new Error('connected to nobody');
  t.match(failure.end, { connected: false, cause: { kind: 'system', code: 'ECONNREFUSED' } });
});

t.test('a password file that is not there', async (t) => {
  const wish = { ...PLAIN, url: 'mqtt://127.0.0.1:1', username: 'u', passwordFile: '/nowhere/pw' };
  const failure = await connectFleet(wish).catch((error: unknown) => error);
  t.match(failure, { end: { cause: { kind: 'file', path: '/nowhere/pw' } } });
});

t.test('who is refused for a moment asks again; who is refused for good is, once', { timeout: 60_000 }, async (t) => {
  const asked: string[] = [];
  const broker = await Aedes.createBroker({
    authorizeSubscribe(_client, subscription, done) {
      asked.push(subscription.topic);
      const isRefused = subscription.topic === 'never' || asked.filter((one) => one === 'soon').length < 3;
      done(null, isRefused ? null : subscription);
    },
  });
  const server = createServer(broker.handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  t.teardown(() => {
    broker.close();
    server.close();
  });
  const link = await connectFleet(
    { ...PLAIN, url: `mqtt://127.0.0.1:${address.port}` },
    { refusedAgainMs: [10, 20, 30] },
  );
  t.teardown(() => link.close());
  t.same(await link.subscribe(['soon']), [1]);
  t.same(asked, ['soon', 'soon', 'soon']);
  t.same(await link.subscribe(['never', 'soon']), [128, 1]);
  t.equal(asked.filter((topic) => topic === 'never').length, 4);
  t.same(await link.subscribe(['never']), [128]);
  t.equal(asked.filter((topic) => topic === 'never').length, 5, 'it is not asked for again and again');
});
