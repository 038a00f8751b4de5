import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { mock } from 'node:test';
import koffi from 'koffi';
import t from 'tap';
import { intervalsBy } from '../../agent/host/intervals.ts';
import { mqttBroker, mqttBrokerBy } from '../../agent/host/mqtt.ts';
import type { ConnectWish, Frame, LinkEnd } from '../../agent/ports/broker.ts';
import { agree, type FakePacket, PACKETS, startFakeBroker } from '../fixtures/fake-broker.ts';
import { linkSettings, startLink } from '../fixtures/link.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';
import { latch, until } from '../fixtures/until.ts';

const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

function wish(url: string, over: Partial<ConnectWish> = {}): ConnectWish {
  return {
    ...{ url, clientId: 'drone-7', protocol: '3.1.1', keepaliveS: 60, connectTimeoutMs: 8000 },
    ...{ username: null, passwordFile: null, tls: { ca: null, cert: null, key: null, servername: null } },
    ...{ will: { topic: 'will', payload: 'gone' } },
    ...over,
  };
}

/** A PUBLISH of QoS 1 as bytes. */
function publishPacket(topic: string, id: number, payload: string): Buffer {
  const body = Buffer.concat([
    Buffer.from([0, topic.length]),
    Buffer.from(topic),
    Buffer.from([id >> 8, id & 255]),
    Buffer.from(payload),
  ]);
  return Buffer.concat([Buffer.from([0x32, body.length]), body]);
}

const pubacks = (packets: readonly FakePacket[], connection: number) =>
  packets
    .filter((packet) => packet.type === PACKETS.puback && packet.connection === connection)
    .map(({ body }) => body.readUInt16BE(0));

t.test('Mosquitto gets the PUBACK when the update is durable, not before', async (t) => {
  const broker = await startMosquitto(t);
  const gate = latch();
  const link = startLink(t, linkSettings([broker.url]), { onFrame: () => gate.opened });
  await link.state('connected');
  await mosquittoPub(broker, 'fleet/v1/all/desired/camera/base', 'x', { retain: true });
  await until('the update', () => link.frames.length === 1);
  t.match(link.frames, [{ payload: Buffer.from('x'), qos: 1 }]);
  // Two round trips of somebody else: the broker had every chance to read an acknowledgement.
  await mosquittoPub(broker, 'elsewhere', '1');
  await mosquittoPub(broker, 'elsewhere', '2');
  t.notMatch(broker.log(), 'Received PUBACK from drone-7');
  gate.open();
  await broker.logged('Received PUBACK from drone-7');
});

t.test('four updates at once, the device dies after two: two are acknowledged, and none is lost', async (t) => {
  const packets: FakePacket[] = [];
  const ids = [11, 12, 13, 14];
  const broker = await startFakeBroker(t, (packet, socket) => {
    packets.push(packet);
    agree(packet, socket);
    const left = ids.filter(
      (id) => !packets.some(({ type, body }) => type === PACKETS.puback && body.readUInt16BE(0) === id),
    );
    if (packet.type !== PACKETS.subscribe) return;
    socket.write(
      Buffer.concat(left.map((id) => publishPacket('fleet/v1/all/desired/camera/base', id, `update ${id}`))),
    );
  });
  const kept: string[] = [];
  const link = startLink(t, linkSettings([broker.url]), {
    onFrame: async ({ payload }) => {
      if (kept.length === 2 && link.ups() === 1) throw new Error('the disk is gone');
      kept.push(Buffer.from(payload).toString());
    },
  });
  await link.state('not-kept');
  t.ok(
    pubacks(packets, 1).every((id) => id < 13),
    'what was not kept is not acknowledged',
  );
  await until('the rest acknowledged', () => pubacks(packets, 2).includes(14));
  // An acknowledgement can get lost with the connection: then the message comes twice, which is allowed.
  t.same([...new Set(kept)], ['update 11', 'update 12', 'update 13', 'update 14']);
});

t.test('a late answer of an old connection acknowledges nothing on the new one', async (t) => {
  const packets: FakePacket[] = [];
  const sockets: Socket[] = [];
  const broker = await startFakeBroker(t, (packet, socket) => {
    packets.push(packet);
    agree(packet, socket);
    if (packet.type === PACKETS.connect) sockets.push(socket);
    // The same packet id on both connections, for different messages.
    if (packet.type === PACKETS.subscribe) {
      socket.write(publishPacket('fleet/v1/all/desired/camera/base', 7, `on connection ${packet.connection}`));
    }
  });
  const gates = [latch(), latch()];
  const link = startLink(t, linkSettings([broker.url]), {
    onFrame: () => gates[link.frames.length - 1]?.opened ?? Promise.resolve(),
  });
  await until('the first', () => link.frames.length === 1);
  sockets[0]?.destroy();
  await until('the second', () => link.frames.length === 2);
  gates[0]?.open();
  const publish = link.publish();
  // A round trip on the new connection: whatever was written before it would have arrived before it. Its answer waits
  // behind the second message, so it is the broker's side that is watched.
  publish?.('probe', '', { qos: 1, retain: false }).catch(() => {});
  await until('the probe', () =>
    packets.some(
      ({ type, connection, body }) => type === PACKETS.publish && connection === 2 && body.includes('probe'),
    ),
  );
  t.same(pubacks(packets, 2), [], 'the second message is not kept yet');
  gates[1]?.open();
  await until('its own acknowledgement', () => pubacks(packets, 2).length === 1);
});

t.test('no session is left at the broker: what a device missed is retained, not queued for it', async (t) => {
  for (const protocol of ['3.1.1', '5'] as const) {
    const asked = latch();
    const flags: number[] = [];
    const broker = await startFakeBroker(t, ({ type, body }) => {
      if (type !== PACKETS.connect) return;
      // Behind the name of the protocol (6 bytes) and its level.
      flags.push(body[7] ?? 0);
      asked.open();
    });
    const silent = { connected: () => {}, frame: async () => {}, roundTrip: () => {}, ended: () => {} };
    const link = mqttBroker.connect(wish(broker.url, { protocol }), silent);
    await asked.opened;
    link.drop();
    // Bit 1 of the connect flags. Source: MQTT 3.1.1, 3.1.2.3.
    t.equal((flags[0] ?? 0) & 2, 2, protocol);
  }
});

t.test('small packets are not held back: TCP_NODELAY is set', async (t) => {
  for (const tls of ['none', 'server'] as const) {
    const broker = await startMosquitto(t, { tls });
    const ca = broker.tls?.authority.ca;
    const link = startLink(t, linkSettings([broker.url], ca === undefined ? {} : { tls: { ca } }));
    await link.state('connected');
    const port = broker.port.toString(16).toUpperCase().padStart(4, '0');
    const inodes = readFileSync('/proc/self/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[2]?.endsWith(`:${port}`) && fields[3] === '01')
      .map((fields) => `socket:[${fields[9]}]`);
    const fds = readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return inodes.includes(readlinkSync(`/proc/self/fd/${fd}`));
      } catch {
        return false;
      }
    });
    t.equal(fds.length, 1, `the one socket to the broker (${tls})`);
    const libc = koffi.load('libc.so.6');
    const getsockopt = libc.func(
      'int getsockopt(int fd, int level, int name, _Out_ int *value, _Inout_ uint32_t *length)',
    );
    const value = [0];
    t.equal(getsockopt(Number(fds[0]), IPPROTO_TCP, TCP_NODELAY, value, [4]), 0);
    t.same(value, [1]);
    libc.unload();
  }
});

t.test('what cannot be parsed ends the connection, instead of leaving it deaf', async (t) => {
  const broker = await startFakeBroker(t, (packet, socket) => {
    agree(packet, socket);
    if (packet.type === PACKETS.subscribe) socket.write(Buffer.from([0x00, 0x00]));
  });
  const link = startLink(t, linkSettings([broker.url]));
  await link.state('failed');
  await until('another attempt', () => broker.count() >= 2);
});

t.test('ended comes exactly once, also for an attempt that could not begin', async (t) => {
  const ends: LinkEnd[] = [];
  const events = {
    connected: () => {},
    frame: async (_frame: Frame) => {},
    roundTrip: () => {},
    ended: (end: LinkEnd) => void ends.push(end),
  };
  const tls = { ca: '/nowhere/ca.pem', cert: null, key: null, servername: null };
  const hopeless = mqttBroker.connect(wish('mqtts://127.0.0.1:1', { tls }), events);
  await until('the end', () => ends.length > 0);
  t.match(ends, [{ cause: { kind: 'file', path: '/nowhere/ca.pem' }, connected: false }]);
  await t.rejects(hopeless.publish('a', 'b', { qos: 0, retain: false }));
  await t.rejects(hopeless.subscribe(['a']));
  const broker = await startFakeBroker(t, agree);
  const left = mqttBroker.connect(wish(broker.url), events);
  left.drop();
  left.drop();
  left.close();
  await until('the second end', () => ends.length > 1);
  await t.rejects(left.publish('a', 'b', { qos: 1, retain: false }), { message: 'there is no connection' });
  t.equal(ends.length, 2);
});

t.test('what is under way when the connection ends is told so', async (t) => {
  const broker = await startFakeBroker(t, (packet, socket) => {
    if (packet.type === PACKETS.connect) agree(packet, socket);
    if (packet.type === PACKETS.publish) socket.destroy();
  });
  const ended = latch();
  const connected = latch();
  const link = mqttBroker.connect(wish(broker.url), {
    connected: connected.open,
    frame: async () => {},
    roundTrip: () => {},
    ended: ended.open,
  });
  await connected.opened;
  const granted = link.subscribe(['never/answered']);
  granted.catch(() => {});
  await t.rejects(link.publish('a', 'b', { qos: 1, retain: false }), { message: 'the connection ended' });
  await t.rejects(granted);
  await ended.opened;
  await t.rejects(link.publish('a', 'b', { qos: 1, retain: false }), { message: 'there is no connection' });
});

t.test('MQTT 5: a denied publish is answered with its reason', async (t) => {
  const broker = await startMosquitto(t, { acl: 'topic write open/#\n' });
  const connected = latch();
  const link = mqttBroker.connect(wish(broker.url, { protocol: '5', will: null }), {
    connected: connected.open,
    frame: async () => {},
    roundTrip: () => {},
    ended: () => {},
  });
  t.teardown(() => link.drop());
  await connected.opened;
  t.equal(await link.publish('open/a', 'b', { qos: 1, retain: false }), 0);
  t.equal(await link.publish('shut/a', 'b', { qos: 1, retain: false }), 135);
  t.equal(await link.publish('shut/a', 'b', { qos: 0, retain: false }), 0, 'nobody answers QoS 0');
});

t.test('MQTT 5: no more under way than the broker says it takes, and all of it in order', async (t) => {
  const open: Buffer[] = [];
  const seen: string[] = [];
  const most = { open: 0 };
  const broker = await startFakeBroker(t, ({ type, body }, socket) => {
    // CONNACK with Receive Maximum 3.
    if (type === PACKETS.connect) socket.write(Buffer.from([0x20, 6, 0, 0, 3, 0x21, 0, 3]));
    if (type !== PACKETS.publish) return;
    const at = 2 + body.readUInt16BE(0);
    open.push(body.subarray(at, at + 2));
    seen.push(body.subarray(at + 3).toString());
    most.open = Math.max(most.open, open.length);
    // Late, one by one: whatever the client means to send without waiting has come by then.
    setTimeout(() => socket.write(Buffer.concat([Buffer.from([0x40, 2]), open.shift() ?? Buffer.of()])), 20);
  });
  const connected = latch();
  const link = mqttBroker.connect(wish(broker.url, { protocol: '5' }), {
    ...{ connected: connected.open, frame: async () => {}, roundTrip: () => {}, ended: () => {} },
  });
  t.teardown(() => link.drop());
  await connected.opened;
  const texts = Array.from({ length: 10 }, (_, n) => `${n}`);
  await Promise.all(texts.map((text) => link.publish('x', text, { qos: 1, retain: false })));
  t.strictSame([seen, most.open], [texts, 3]);
});

t.test('a broker that answers pings but not a message is left, as silent', async (t) => {
  const asked = latch();
  const broker = await startFakeBroker(t, (packet, socket) => {
    if (packet.type === PACKETS.publish) asked.open();
    else agree(packet, socket);
  });
  const connected = latch();
  const end = new Promise<LinkEnd>((resolve) => {
    const link = mqttBroker.connect(wish(broker.url, { keepaliveS: 1200 }), {
      ...{ connected: connected.open, frame: async () => {}, roundTrip: () => {} },
      ended: resolve,
    });
    t.teardown(() => link.drop());
    connected.opened.then(() => {
      mock.timers.enable({ apis: ['setTimeout'] });
      link.publish('a', 'b', { qos: 1, retain: false }).catch(() => {});
    });
  });
  await asked.opened;
  mock.timers.tick(60_000);
  mock.timers.reset();
  t.match(await end, { cause: { kind: 'silent' }, connected: true, message: 'no answer in 60 s' });
});

t.test('the keepalive goes by the clock it is given, and with whatever else wakes the processor', async (t) => {
  const broker = await startMosquitto(t);
  const timers: { readonly ms: number; readonly fn: () => void; readonly when: string; cancelled: boolean }[] = [];
  const now = { ms: 0 };
  const clock = {
    bootMs: () => now.ms,
    after(ms: number, fn: () => void, when?: 'about') {
      const timer = { ms, fn, when: when ?? 'exactly', cancelled: false };
      timers.push(timer);
      return () => {
        timer.cancelled = true;
      };
    },
  };
  const [connected, answered, ended] = [latch(), latch(), latch()];
  const link = mqttBrokerBy(intervalsBy(clock)).connect(wish(broker.url), {
    connected: connected.open,
    frame: async () => {},
    roundTrip: answered.open,
    ended: ended.open,
  });
  await connected.opened;
  t.match(link.ends(), { local: Number, remote: Number, fd: Number, buffered: 0 });
  t.match(timers.at(-1), { ms: 30_000, when: 'about', cancelled: false });
  for (const _ of ['half of it', 'all of it']) {
    now.ms += 30_000;
    timers.at(-1)?.fn();
  }
  await answered.opened;
  t.match(timers.at(-1), { ms: 30_000, cancelled: false }, 'it goes on');
  link.close();
  await ended.opened;
  t.match(timers.at(-1), { cancelled: true });
});
