import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { agree, PACKETS, startFakeBroker, suback } from '../fixtures/fake-broker.ts';
import { linkSettings, startLink } from '../fixtures/link.ts';
import { freePort, startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { until } from '../fixtures/until.ts';

const STATUS = 'fleet/v1/dev/drone-7/status';

t.test('connects, subscribes to all its addresses, and says online, retained', async (t) => {
  const broker = await startMosquitto(t);
  for (const address of ['dev/drone-7', 'grp/canary', 'all']) {
    await mosquittoPub(broker, `fleet/v1/${address}/desired/camera/base`, address, { retain: true });
  }
  await mosquittoPub(broker, 'fleet/v1/dev/other/desired/camera/base', 'not mine', { retain: true });
  const link = startLink(t, linkSettings([broker.url], {}, ['canary']));
  const state = await link.state('connected');
  t.match(state, { connected: true, reconnects: 0, url: broker.url, remedy: null });
  await until('three retained updates', () => link.frames.length >= 3);
  t.same(link.frames.map((frame) => Buffer.from(frame.payload).toString()).sort(), [
    'all',
    'dev/drone-7',
    'grp/canary',
  ]);
  t.ok(link.frames.every((frame) => frame.retain));
  const watcher = await mosquittoSub(t, broker, [STATUS]);
  const { payload, retain } = await watcher.next(() => true);
  t.ok(retain);
  t.match(JSON.parse(payload.toString()), { state: 'online', boot: /^[0-9a-f-]{36}$/, at: /Z$/, reason: 'connected' });
  await until('a round trip', () => link.session.state().round_trip_ms !== null);
});

t.test('the will says offline when the device is cut off; a stop says it itself', async (t) => {
  const broker = await startMosquitto(t);
  const watcher = await mosquittoSub(t, broker, [STATUS]);
  const link = startLink(t, linkSettings([broker.url]));
  await link.state('connected');
  await watcher.next(({ payload }) => payload.includes('online'));
  await link.session.stop('told to stop');
  const bye = await watcher.next(({ payload }) => payload.includes('offline'));
  t.match(JSON.parse(bye.payload.toString()), { state: 'offline', reason: 'told to stop' });
  t.equal(link.session.state().state, 'stopped');
  // Whoever leaves without a goodbye has left his will by then.
  await mosquittoPub(broker, STATUS, 'the end');
  await watcher.next(({ payload }) => payload.includes('the end'));
  t.equal(watcher.seen.filter(({ payload }) => payload.includes('offline')).length, 1, 'no will after a goodbye');
});

t.test('a broker killed with SIGKILL and started again is found again, with all subscriptions', async (t) => {
  const broker = await startMosquitto(t);
  const link = startLink(t, linkSettings([broker.url]));
  await link.state('connected');
  await broker.kill9();
  await link.state('nobody-listens');
  await broker.start();
  const mark = link.states.length - 1;
  await link.state('connected', Math.max(0, mark));
  // Published while it was away or not: the retained one must come without a hand, by a fresh subscription.
  await mosquittoPub(broker, 'fleet/v1/all/desired/camera/base', 'after', { retain: true });
  await until('the update', () => link.frames.some(({ payload }) => Buffer.from(payload).toString() === 'after'));
  t.ok(link.session.state().reconnects >= 1);
});

t.test('a retained update missed while offline comes with the next link', async (t) => {
  const broker = await startMosquitto(t);
  const link = startLink(t, linkSettings([broker.url], { backoff: { first_s: 0.5, cap_s: 0.5, stable_s: 60 } }));
  await link.state('connected');
  const mark = link.states.length;
  await broker.kill9();
  await until('the loss', () => link.states.length > mark);
  await broker.start();
  await mosquittoPub(broker, 'fleet/v1/all/desired/camera/base', 'missed', { retain: true });
  await until('the missed update', () =>
    link.frames.some(({ payload }) => Buffer.from(payload).toString() === 'missed'),
  );
});

t.test('"server unavailable" does not end the trying', async (t) => {
  const broker = await startFakeBroker(t, (packet, socket) => {
    if (packet.type === PACKETS.connect && packet.connection < 4) socket.end(Buffer.from([0x20, 2, 0, 3]));
    else agree(packet, socket);
  });
  const link = startLink(t, linkSettings([broker.url]));
  await link.state('broker-unavailable');
  await link.state('connected');
  t.ok(broker.count() >= 4);
});

t.test('a refused subscription is a state, never silence, and is asked for again', async (t) => {
  let asked = 0;
  const broker = await startFakeBroker(t, (packet, socket) => {
    if (packet.type !== PACKETS.subscribe) return agree(packet, socket);
    asked += 1;
    socket.write(suback(packet, asked < 3 ? 0x80 : 1));
  });
  // Soon at first, whatever the longest pause is: a server of a cluster that has no majority refuses for a moment only.
  const link = startLink(t, linkSettings([broker.url], { backoff: { first_s: 0.02, cap_s: 3600, stable_s: 60 } }));
  const state = await link.state('not-subscribed');
  t.equal(state.connected, true, 'it can still say what is wrong');
  t.match(state.words, 'fleet/v1/all/desired/+/+');
  t.ok(link.lines.some((line) => line.startsWith('error') && line.includes('subscribe')));
  await link.state('connected');
  t.equal(broker.count(), 1, 'on the same connection');
});

t.test('another client with the same id: backs off and says so', async (t) => {
  const broker = await startMosquitto(t);
  const one = startLink(t, linkSettings([broker.url]));
  await one.state('connected');
  const two = startLink(t, linkSettings([broker.url]));
  const state = await until('either to notice', () =>
    [...one.states, ...two.states].find(({ state }) => state === 'kicked'),
  );
  t.match(state.remedy, 'device.id');
});

t.test('MQTT 5 works', async (t) => {
  const broker = await startMosquitto(t);
  await mosquittoPub(broker, 'fleet/v1/all/desired/camera/base', 'five', { retain: true });
  const link = startLink(t, linkSettings([broker.url], { protocol: '5' }));
  await link.state('connected');
  t.match(broker.log(), /as drone-7 \(p5,/);
  await until('the update', () => link.frames.length === 1);
  await broker.logged('Received PUBACK from drone-7');
});

t.test('MQTT 5: told that another client took the id', async (t) => {
  const broker = await startFakeBroker(t, (packet, socket) => {
    if (packet.type !== PACKETS.connect) return;
    socket.end(Buffer.from([0x20, 3, 0, 0, 0, 0xe0, 2, 142, 0]));
  });
  await startLink(t, linkSettings([broker.url], { protocol: '5' })).state('kicked');
});

t.test('a broker without MQTT 5 is named as such', async (t) => {
  const says = await startFakeBroker(t, (packet, socket) => {
    if (packet.type === PACKETS.connect) socket.end(Buffer.from([0x20, 2, 0, 1]));
  });
  await startLink(t, linkSettings([says.url], { protocol: '5' })).state('no-mqtt-5');
  const hangsUp = await startFakeBroker(t, (_packet, socket) => socket.end());
  const state = await startLink(t, linkSettings([hangsUp.url], { protocol: '5' })).state('no-mqtt-5');
  t.match(state.remedy, 'broker.protocol');
});

t.test('what can be wrong with the way to the broker, in words', async (t) => {
  const closed = await freePort();
  t.match((await startLink(t, linkSettings([`mqtt://127.0.0.1:${closed}`])).state('nobody-listens')).remedy, 'port');
  await startLink(t, linkSettings(['mqtt://no-such-host.invalid:1883'])).state('host-not-found');
  const mute = await startFakeBroker(t, () => {});
  await startLink(t, linkSettings([mute.url], { connect_timeout_s: 0.2 })).state('silent');
  await startLink(t, linkSettings([`mqtts://127.0.0.1:${(await startMosquitto(t)).port}`])).state('not-tls');
  const lost = await startLink(t, linkSettings([mute.url], { username: 'a', password_file: '/nowhere/password' }));
  t.match((await lost.state('file-unreadable')).words, '/nowhere/password');
});

t.test('a link that goes silent is noticed by its keepalive', async (t) => {
  const broker = await startMosquitto(t);
  const link = startLink(t, linkSettings([broker.url], { keepalive_s: 1, connect_timeout_s: 0.5 }));
  await link.state('connected');
  broker.freeze();
  await link.state('silent');
  broker.thaw();
  await link.state('connected', link.states.length - 1);
});

t.test('several brokers are tried in turn', async (t) => {
  const broker = await startMosquitto(t);
  const dead = await freePort();
  const link = startLink(t, linkSettings([`mqtt://127.0.0.1:${dead}`, broker.url]));
  await link.state('nobody-listens');
  t.equal((await link.state('connected')).url, broker.url);
});

t.test('user and password', async (t) => {
  const broker = await startMosquitto(t, { users: { 'drone-7': 's3cret' } });
  const file = join(t.testdir({ password: 'n0t-this\n' }), 'password');
  const login = { username: 'drone-7', password_file: file };
  const link = startLink(t, linkSettings([broker.url], login));
  // Mosquitto answers 5 to 3.1.1 clients, others 4.
  t.match((await link.state('not-authorised')).words, 'wrong user or password');
  t.notOk(
    link.lines.some((line) => line.includes('n0t-this') || line.includes('s3cret')),
    'the password is in no log line',
  );
  writeFileSync(file, 's3cret\n');
  await link.state('connected');
});

t.test('TLS and mutual TLS, and each way they fail', async (t) => {
  const broker = await startMosquitto(t, { tls: 'mutual' });
  if (broker.tls === null) throw new Error('no TLS');
  const { authority, client } = broker.tls;
  const tls = { ca: authority.ca, ...client };
  t.equal((await startLink(t, linkSettings([broker.url], { tls })).state('connected')).connected, true);
  await startLink(t, linkSettings([broker.url], { tls: client })).state('certificate-authority-unknown');
  await startLink(t, linkSettings([broker.url], { tls: { ca: authority.ca } })).state('own-certificate-refused');
  const expired = authority.issue({ commonName: 'drone-7', fromS: -7200, toS: -3600 });
  await startLink(t, linkSettings([broker.url], { tls: { ca: authority.ca, ...expired } })).state(
    'own-certificate-refused',
  );
  const mixed = { ca: authority.ca, cert: client.cert, key: expired.key };
  await startLink(t, linkSettings([broker.url], { tls: mixed })).state('own-certificate-unusable');
  await startLink(t, linkSettings([broker.url], { tls: { ...tls, servername: 'elsewhere' } })).state(
    'certificate-name-mismatch',
  );
  for (const [word, fromS, toS] of [
    ['certificate-expired', -7200, -3600],
    ['certificate-not-yet-valid', 3600, 7200],
  ] as const) {
    const other = await startMosquitto(t, {
      tls: 'server',
      certificate: (made) => made.issue({ commonName: 'localhost', names: 'DNS:localhost', fromS, toS }),
    });
    const link = startLink(t, linkSettings([other.url], { tls: { ca: other.tls?.authority.ca ?? '' } }));
    t.match((await link.state(word)).remedy, 'clock');
  }
});

t.test('certificates are read anew at every attempt', async (t) => {
  const broker = await startMosquitto(t, { tls: 'server' });
  const ca = join(t.testdir({}), 'ca.pem');
  const link = startLink(t, linkSettings([broker.url], { tls: { ca } }));
  await link.state('file-unreadable');
  const { readFileSync } = await import('node:fs');
  writeFileSync(ca, readFileSync(broker.tls?.authority.ca ?? ''));
  await link.state('connected');
  rmSync(ca);
});

t.test('asked to, it says online again; what the fleet does not see is a state, until the fleet sees it', async (t) => {
  const broker = await startMosquitto(t);
  const watcher = await mosquittoSub(t, broker, ['fleet/v1/dev/drone-7/status']);
  const link = startLink(t, linkSettings([broker.url]));
  link.session.sayOnline();
  link.session.unconfirmed('it has seen number 3, the broker has taken 9');
  t.notOk(
    link.states.some(({ state }) => state === 'reports-unconfirmed'),
    'without a link there is nothing to say',
  );
  await link.state('connected');
  const times = () => watcher.seen.filter(({ payload }) => payload.includes('online')).length;
  await until('online', () => times() === 1);
  link.session.sayOnline();
  await until('online again', () => times() === 2);

  const from = link.states.length;
  link.session.unconfirmed('it has seen number 3, the broker has taken 9');
  const state = link.session.state();
  t.match(state, { state: 'reports-unconfirmed', connected: true, words: /seen number 3/, remedy: /right to write/ });
  t.ok(link.lines.some((line) => line.startsWith('error') && line.includes('seen number 3')));
  link.session.unconfirmed(null);
  t.equal(link.session.state().state, 'connected');
  link.session.unconfirmed('it has seen number 3, the broker has taken 9');
  await broker.stop();
  await broker.start();
  await link.state('closed', from);
  await until('connected anew', () => link.session.state().state === 'connected' && link.ups() === 2);
});

t.test(
  'of several servers one may be behind: what it keeps is asked for again while the link lasts, less and less often',
  async (t) => {
    const asked = { cluster: 0, single: 0, told: 0 };
    const broker = (which: 'cluster' | 'single') =>
      startFakeBroker(t, (packet, socket) => {
        if (packet.type === PACKETS.subscribe) asked[which] += 1;
        agree(packet, socket);
      });
    const [cluster, single] = [await broker('cluster'), await broker('single')];
    const backoff = { first_s: 0.02, cap_s: 0.2, stable_s: 0.1 };
    const alone = startLink(t, linkSettings([single.url], { backoff }));
    await alone.state('connected');
    const link = startLink(t, linkSettings([cluster.url, cluster.url], { backoff }), {
      onAskedAgain() {
        asked.told += 1;
      },
    });
    const startedMs = performance.now();
    await until('the fourth time', () => asked.cluster === 4);
    t.ok(performance.now() - startedMs >= 600, 'after 0.1, 0.2 and 0.4 s');
    await until('three times told', () => asked.told === 3);
    t.equal(asked.single, 1, 'a broker that is alone has what it has acknowledged');
    t.same(link.states.map(({ state }) => state).slice(-1), ['connected']);
  },
);
