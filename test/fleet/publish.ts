import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connectFleet, type FleetLink } from '../../agent/fleet/link.ts';
import { publishAllSeen, publishSeen } from '../../agent/fleet/publish.ts';
import { agree, PACKETS, startFakeBroker } from '../fixtures/fake-broker.ts';
import { fakeFleet } from '../fixtures/fake-fleet.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';

const PLAIN = {
  protocol: '3.1.1',
  username: null,
  passwordFile: null,
  tls: { ca: null, cert: null, key: null, servername: null },
} as const;
const TOPIC = 'fleet/v1/dev/d7/cmd/refresh';

t.test('what the broker took is told from what it only acknowledged', { timeout: 60_000 }, async (t) => {
  const acl = 'user reader\ntopic read fleet/#\nuser writer\ntopic readwrite fleet/#\n';
  const broker = await startMosquitto(t, { users: { reader: 'r', writer: 'w' }, acl });
  const dir = t.testdir({});
  const as = async (user: string, password: string) => {
    const passwordFile = join(dir, user);
    writeFileSync(passwordFile, `${password}\n`);
    const link = await connectFleet({ ...PLAIN, url: broker.url, username: user, passwordFile });
    t.teardown(() => link.close());
    return link;
  };
  const watch = await mosquittoSub(t, broker, ['fleet/#'], { username: 'writer', password: 'w' });
  const steps: string[] = [];
  const writer = await as('writer', 'w');
  await publishSeen(writer, { topic: TOPIC, jws: 'a.b.c', retain: false, onSent: () => steps.push('sent') });
  t.match(await watch.next(({ topic }) => topic === TOPIC), { retain: false, qos: 1 });
  t.same(steps, ['sent']);
  const late = await mosquittoSub(t, broker, ['fleet/#'], { username: 'writer', password: 'w' });
  await publishSeen(writer, { topic: 'fleet/v1/kept', jws: 'd.e.f', retain: true, onSent: () => {} });
  await late.next(({ topic }) => topic === 'fleet/v1/kept');
  t.notOk(
    late.seen.some(({ topic }) => topic === TOPIC),
    'what is not retained is gone',
  );
  const reader = await as('reader', 'r');
  await t.rejects(publishSeen(reader, { topic: TOPIC, jws: 'g.h.i', retain: false, onSent: () => {} }), {
    name: 'SaidError',
    message: /this user may not write there/,
  });
});

/** A PUBLISH of QoS 0 as bytes. */
function publishPacket(topic: string, payload: string, retain: boolean): Buffer {
  const body = Buffer.concat([Buffer.from([0, topic.length]), Buffer.from(topic), Buffer.from(payload)]);
  return Buffer.concat([Buffer.from([retain ? 0x31 : 0x30, body.length]), body]);
}

/** A broker that shows every message to whoever is connected, and keeps the `keeps`th and those after it. */
async function forgetfulBroker(t: Test, keeps: number, onPublish: (socket: Socket, count: number) => void = () => {}) {
  const state = { published: 0, kept: 'before' };
  const broker = await startFakeBroker(t, (packet, socket) => {
    agree(packet, socket);
    if (packet.type === PACKETS.subscribe) socket.write(publishPacket(KEPT, state.kept, true));
    if (packet.type !== PACKETS.publish) return;
    state.published += 1;
    const payload = packet.body.subarray(4 + KEPT.length).toString();
    if (state.published >= keeps) state.kept = payload;
    socket.write(publishPacket(KEPT, payload, false));
    onPublish(socket, state.published);
  });
  const link = await connectFleet({ ...PLAIN, url: broker.url });
  t.teardown(() => link.close());
  return { link, state };
}

const KEPT = 'fleet/v1/all/desired/aim/base';
const OURS = { topic: KEPT, jws: 'a.b.c', retain: true, onSent: () => {} };

t.test('what is acknowledged and not kept is published again, and said if it never is', async (t) => {
  const third = await forgetfulBroker(t, 3);
  await publishSeen(third.link, OURS);
  t.strictSame(third.state, { published: 3, kept: 'a.b.c' });
  const never = await forgetfulBroker(t, Number.POSITIVE_INFINITY);
  await t.rejects(publishSeen(never.link, OURS), { name: 'SaidError', message: /4 times, and does not keep it/ });
  t.equal(never.state.kept, 'before');
});

t.test('a document that somebody has published since is not published over', async (t) => {
  const { link, state } = await forgetfulBroker(t, Number.POSITIVE_INFINITY, (socket, count) => {
    if (count > 1) return;
    state.kept = 'newer';
    socket.write(publishPacket(KEPT, 'newer', false));
  });
  await publishSeen(link, OURS);
  t.strictSame(state, { published: 1, kept: 'newer' });
});

t.test('of many, only what is not kept is published again', async (t) => {
  const fleet = fakeFleet([]);
  const link = fleet.link();
  const published: string[] = [];
  const forgets: FleetLink = {
    ...link,
    publish(topic, jws) {
      const isFirst = !published.includes(topic);
      published.push(topic);
      return link.publish(topic, jws, { retain: topic !== 'b' || !isFirst });
    },
  };
  const all = ['a', 'b', 'c'].map((topic) => ({ topic, jws: `${topic}.b.c`, retain: true, onSent: () => {} }));
  await publishAllSeen(forgets, all);
  t.same(published, ['a', 'b', 'c', 'b']);
  t.same([...fleet.retained.values()].sort(), ['a.b.c', 'b.b.c', 'c.b.c']);
});

t.test('what comes slowly is not missing, and is published once', async (t) => {
  const fleet = fakeFleet([]);
  const link = fleet.link();
  const published: string[] = [];
  const queue: (() => void)[] = [];
  const slow: FleetLink = {
    ...link,
    publish(topic, jws, how) {
      published.push(topic);
      return link.publish(topic, jws, how);
    },
    listen: (fn) => link.listen((frame) => (frame.retain ? queue.push(() => fn(frame)) : fn(frame))),
  };
  const timer = setInterval(() => queue.shift()?.(), 600);
  t.teardown(() => clearInterval(timer));
  const all = ['a', 'b', 'c'].map((topic) => ({ topic, jws: `${topic}.b.c`, retain: true, onSent: () => {} }));
  await publishAllSeen(slow, all);
  t.same(published, ['a', 'b', 'c']);
});
