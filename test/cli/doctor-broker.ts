import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { lookAtBroker } from '../../agent/cli/doctor-broker.ts';
import { readSettings } from '../../agent/settings.ts';
import type { Settings } from '../../agent/settings-schema.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { freePort, startMosquitto } from '../fixtures/mosquitto.ts';
import { calmStatus } from '../fixtures/status.ts';

const DEAD = calmStatus({ agent: { ...calmStatus().agent, state: 'stopped' }, link: null });

/** Settings of a device with this broker. An answer may take its time on a busy machine; only who is known to be silent is not waited for. */
function reaching(owner: Parameters<typeof loneDevice>[0], url: string, broker: object = {}): Settings {
  const settings = readSettings(loneDevice(owner).settings);
  return { ...settings, broker: { ...settings.broker, urls: [url], connect_timeout_s: 30, ...broker } };
}

t.test('with the agent dead it tries itself, and says why not in words', async (t) => {
  const open = await startMosquitto(t);
  const closed = await startMosquitto(t, { users: { 'drone-7': 'right' } });
  const secured = await startMosquitto(t, { tls: 'server' });
  const misnamed = await startMosquitto(t, {
    tls: 'server',
    certificate: (authority) => authority.issue({ commonName: 'x', names: 'DNS:other' }),
  });
  const early = await startMosquitto(t, {
    tls: 'server',
    certificate: (authority) => authority.issue({ commonName: 'x', names: 'DNS:localhost', fromS: 3600 }),
  });
  const silent = await startMosquitto(t);
  silent.freeze();
  t.teardown(() => silent.thaw());
  const wrong = join(mkdtempSync(join(tmpdir(), 'locksmith-doctor-')), 'password');
  writeFileSync(wrong, 'wrong\n');
  const ca = (broker: typeof secured) => ({ tls: { ca: broker.tls?.authority.ca } });
  const cases: readonly (readonly [string, object, string, RegExp])[] = [
    [open.url, {}, 'ok', /reachable, and lets this device in/],
    [closed.url, { username: 'drone-7', password_file: wrong }, 'bad', /wrong user or password.*\(not-authorised\)/],
    [secured.url, ca(secured), 'ok', /reachable/],
    [secured.url, {}, 'bad', /\(certificate-authority-unknown\)/],
    [misnamed.url, ca(misnamed), 'bad', /\(certificate-name-mismatch\)/],
    [early.url, ca(early), 'bad', /most often the clock of this device is wrong \(certificate-not-yet-valid\)/],
    [silent.url, { connect_timeout_s: 1 }, 'warning', /does not answer in time \(silent\)/],
    [`mqtt://127.0.0.1:${await freePort()}`, {}, 'warning', /nobody listens.*\(nobody-listens\)/],
    ['mqtt://no-such-host.invalid:1883', {}, 'warning', /\(host-not-found\)/],
    [open.url, { username: 'x', password_file: '/nowhere' }, 'bad', /\/nowhere.*\(file-unreadable\)/],
    ['embedded', {}, 'ok', /lives in the agent/],
  ];
  await Promise.all(
    cases.map(async ([url, broker, health, words]) => {
      const [remark] = await lookAtBroker(reaching(t, url, broker), DEAD);
      t.match(remark, { health, words }, url);
      if (health !== 'ok') t.type(remark?.remedy, 'string');
    }),
  );
});

t.test('with the agent running its word counts: two of one name would throw each other out', async (t) => {
  const settings = reaching(t, 'mqtt://127.0.0.1:1');
  const { link } = calmStatus();
  if (link === null) throw new Error('a calm device has a link');
  t.match(await lookAtBroker(settings, calmStatus()), [{ health: 'ok', words: /connected and subscribed/ }]);
  const refused = { ...link, connected: false, state: 'bad-login', words: 'refused', remedy: 'look' } as const;
  t.match(await lookAtBroker(settings, calmStatus({ link: refused })), [
    { health: 'bad', words: /refused \(bad-login\)/, remedy: 'look' },
  ]);
  const away = { ...refused, state: 'unreachable' } as const;
  t.match(await lookAtBroker(settings, calmStatus({ link: away })), [{ health: 'warning' }]);
});

t.test('while an agent is there, or may be, and has no word, nothing is tried either', async (t) => {
  let tried = 0;
  const broker = createServer((socket) => {
    tried += 1;
    socket.destroy();
  });
  broker.listen(0, '127.0.0.1');
  await once(broker, 'listening');
  t.teardown(() => broker.close());
  const address = broker.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const settings = reaching(t, `mqtt://127.0.0.1:${address.port}`);
  const { agent, link } = calmStatus();
  if (link === null) throw new Error('a calm device has a link');
  const connecting = { ...link, connected: false, state: 'connecting', words: 'connecting' } as const;
  for (const [status, words, remedy] of [
    [calmStatus({ link: connecting }), /connecting; not tried/, /again/],
    [calmStatus({ link: null }), /has not said how its link is; not tried/, /again/],
    [calmStatus({ agent: { ...agent, state: 'frozen' }, link: null }), /^not tried/, /restart/],
    [calmStatus({ agent: { ...agent, state: 'unknown' }, link: null }), /if it runs/, /as root/],
  ] as const) {
    t.match(await lookAtBroker(settings, status), [{ health: 'unknown', words, remedy }]);
  }
  t.equal(tried, 0);
});
