import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t from 'tap';
import { tcpWire, udpWire } from '../../agent/host/sockets.ts';
import type { Wire } from '../../agent/ports/vehicle.ts';
import type { Owner } from '../fixtures/mosquitto.ts';
import { until } from '../fixtures/until.ts';

/** Opens a wire and writes down what it says; each message is answered by itself. */
function listen(t: Owner, wire: Wire) {
  const heard: string[] = [];
  const close = wire.open({
    opened: () => void heard.push('opened'),
    bytes(bytes, reply) {
      heard.push(Buffer.from(bytes).toString());
      reply(Buffer.from(`re: ${Buffer.from(bytes)}`));
    },
    ended: (why) => void heard.push(`ended: ${why}`),
  });
  t.teardown(close);
  return { heard, close };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = portOf(server.address());
  server.close();
  await once(server, 'close');
  return port;
}

function portOf(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address;
}

t.test('udp: every sender gets its own answer', async (t) => {
  const port = await freePort();
  const wire = udpWire('127.0.0.1', port);
  t.same([wire.name, wire.datagrams], [`udp://127.0.0.1:${port}`, true]);
  const { heard, close } = listen(t, wire);
  await until('it listens', () => heard.includes('opened'));
  const answers: string[] = [];
  for (const name of ['one', 'two']) {
    const socket = createSocket('udp4');
    t.teardown(() => socket.close());
    socket.on('message', (bytes) => void answers.push(`${name} got ${bytes}`));
    socket.send(name, port, '127.0.0.1');
  }
  await until('both answers', () => answers.length === 2);
  t.same(answers.sort(), ['one got re: one', 'two got re: two']);
  close();
  close();
  t.equal(heard.filter((line) => line.startsWith('ended')).length, 1);
  const taken = listen(t, udpWire('127.0.0.1', port));
  await until('it listens', () => taken.heard.length === 1);
  const second = listen(t, udpWire('127.0.0.1', port));
  await until('its end', () => second.heard.length === 1);
  t.match(second.heard, [/^ended: .*EADDRINUSE/]);
});

t.test('udp: over IPv6, and where it cannot listen', async (t) => {
  const port = await freePort();
  const six = listen(t, udpWire('::1', port));
  await until('it listens', () => six.heard.length === 1);
  t.same(six.heard, ['opened']);
  const nowhere = listen(t, udpWire('192.0.2.1', port));
  await until('its end', () => nowhere.heard.length === 1);
  t.match(nowhere.heard, [/^ended: .*EADDRNOTAVAIL/]);
});

t.test('tcp: bytes both ways, its end, and nobody there', async (t) => {
  const sockets: Socket[] = [];
  const answers: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (bytes) => void answers.push(bytes.toString()));
    socket.write('hello');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = portOf(server.address());
  const wire = tcpWire('127.0.0.1', port);
  t.same([wire.name, wire.datagrams], [`tcp://127.0.0.1:${port}`, false]);
  const { heard } = listen(t, wire);
  await until('the answer', () => answers.length === 1);
  t.same(heard, ['opened', 'hello']);
  t.same(answers, ['re: hello']);
  sockets[0]?.destroy();
  server.close();
  await until('its end', () => heard.length === 3);
  t.match(heard[2], /^ended: /);
  const nobody = listen(t, tcpWire('127.0.0.1', port));
  await until('its end', () => nobody.heard.length === 1);
  t.match(nobody.heard, [/^ended: .*ECONNREFUSED/]);
  const closed = listen(t, tcpWire('127.0.0.1', port));
  closed.close();
  t.same(closed.heard, ['ended: closed'], 'before it was open');
});
