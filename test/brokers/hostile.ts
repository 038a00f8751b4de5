import { join } from 'node:path';
import t from 'tap';
import { nowS } from '../fixtures/documents.ts';
import { forbiddenTo } from '../fixtures/forbidden.ts';
import { type AnyWorld, lineDevice, lineWorld } from '../fixtures/line.ts';
import { mosquittoPub, mosquittoSub, type Party } from '../fixtures/mosquitto-clients.ts';
import { type SampleBroker, startSample } from '../fixtures/mosquitto-sample.ts';
import { opensslKey, opensslSign } from '../fixtures/openssl.ts';
import { until } from '../fixtures/until.ts';

// A device of the fleet in other hands: its certificate is good, and it knows the names of all others.

const CONF = 'aim.conf';
const [VICTIM, HOSTILE] = ['drone-7', 'drone-8'];
const wish = (version: number, aud = `dev/${VICTIM}`) => ({ version, aud, files: { [CONF]: `hold = ${version}\n` } });

const FORBIDDEN = forbiddenTo(HOSTILE, VICTIM);

async function worldOf(t: Parameters<typeof lineDevice>[0], broker: SampleBroker) {
  const watcher = await mosquittoSub(t, broker, ['fleet/v1/#']);
  const world: AnyWorld = { broker, key: opensslKey(t.testdir()), watcher };
  const { cert, key } = broker.issue(VICTIM);
  const device = lineDevice(t, world, {
    id: VICTIM,
    settings: (text) => Object.assign(text.broker, { tls: { ca: broker.ca, cert, key } }),
  });
  await device.start();
  return { device, watcher };
}

t.test('the Mosquitto sample against a device in other hands', { timeout: 120_000 }, async (t) => {
  const broker = await startSample(t);
  const { device, watcher } = await worldOf(t, broker);
  const hostile: Party = { cert: broker.issue(HOSTILE) };
  const forged = () =>
    watcher.seen.filter(({ payload }) => payload.toString().startsWith('forged')).map(({ topic }) => topic);
  /** Resolves when all that it did before has been seen, if it can be seen at all. */
  const marks = { count: 0 };
  const mark = async () => {
    marks.count += 1;
    const text = `mark ${marks.count}`;
    await mosquittoPub(broker, `fleet/v1/dev/${HOSTILE}/evt`, text, hostile);
    await watcher.next(({ payload }) => payload.toString() === text);
  };

  await t.test('lets the fleet do its work', async (t) => {
    const { id } = await device.push(wish(1));
    await device.evt({ update: id, event: 'applied' });
    await device.lock(({ state }) => state === 'COLD');
    await watcher.next(({ topic, payload }) => topic.endsWith('/status') && payload.includes('online'));
    t.same(device.contents(), { [CONF]: 'hold = 1\n' });
  });

  await t.test('it writes on no topic but its own', async (t) => {
    for (const topic of FORBIDDEN) await mosquittoPub(broker, topic, 'forged', { ...hostile, retain: true });
    await mark();
    t.strictSame(forged(), []);
    const late = await mosquittoSub(
      t,
      broker,
      FORBIDDEN.filter((topic) => !topic.startsWith('$')),
    );
    await late.next(({ retain }) => retain);
    t.notOk(
      late.seen.some(({ payload }) => payload.toString() === 'forged'),
      'nor does the broker keep any of it',
    );
    t.same(device.evts({ event: 'refused' }), [], 'none of it has reached the device');
  });

  await t.test('it calls itself by another name, and is still itself', async (t) => {
    const topic = `fleet/v1/dev/${VICTIM}/evt`;
    await mosquittoPub(broker, topic, 'forged', { ...hostile, username: VICTIM, password: 'x' });
    await mosquittoPub(broker, 'fleet/v1/all/halt', 'forged', { ...hostile, username: 'ops', password: 'x' });
    await mark();
    t.strictSame(forged(), []);
  });

  await t.test('its last will is held against the same rules', async (t) => {
    for (const topic of [
      `fleet/v1/dev/${VICTIM}/status`,
      `fleet/v1/dev/${HOSTILE}/desired/aim/base`,
      'fleet/v1/all/halt',
    ]) {
      const will = { topic, payload: 'forged will' };
      const dying = await mosquittoSub(t, broker, [`fleet/v1/dev/${HOSTILE}/cmd/+`], { ...hostile, will }).catch(
        () => null,
      );
      await dying?.stop();
    }
    const own = { topic: `fleet/v1/dev/${HOSTILE}/status`, payload: 'my own will' };
    const dying = await mosquittoSub(t, broker, [`fleet/v1/dev/${HOSTILE}/cmd/+`], { ...hostile, will: own });
    await dying.stop();
    await watcher.next(({ payload }) => payload.toString() === 'my own will');
    t.strictSame(forged(), []);
  });

  await t.test('it reads nothing but what is for it, for groups and for all', async (t) => {
    const filters = [
      '#',
      'fleet/#',
      '+/+/dev/+/#',
      '$SYS/#',
      `fleet/v1/dev/${VICTIM}/desired/+/+`,
      `fleet/v1/dev/${VICTIM}/#`,
    ];
    const spy = await mosquittoSub(t, broker, filters, hostile);
    const { id } = await device.push(wish(2));
    await device.evt({ update: id, event: 'applied' });
    await device.push(wish(1, 'all'));
    await device.evt({ event: 'covered' });
    await mosquittoPub(broker, `fleet/v1/dev/${HOSTILE}/cmd/refresh`, 'for it');
    await spy.next(({ topic }) => topic === `fleet/v1/dev/${HOSTILE}/cmd/refresh`);
    const meant = /^fleet\/v1\/(dev\/drone-8\/cmd\/\w+|(dev\/drone-8|grp\/[^/]+|all)\/(desired\/\w+\/\w+|trust|halt))$/;
    t.strictSame(
      spy.seen.map(({ topic }) => topic).filter((topic) => !meant.test(topic)),
      [],
    );
    t.ok(spy.seen.some(({ topic }) => topic === 'fleet/v1/all/desired/aim/base'));
  });

  await t.test('it fills nothing: what is larger than any update is not taken', async (t) => {
    const before = watcher.seen.length;
    await mosquittoPub(broker, `fleet/v1/dev/${HOSTILE}/evt`, 'x'.repeat(300_000), hostile).catch(() => {});
    await mark();
    t.notOk(watcher.seen.slice(before).some(({ payload }) => payload.length > 200_000));
  });

  await t.test('under the client id of the other it can push that one off, and gets no right of it', async (t) => {
    const thief = await mosquittoSub(t, broker, [`fleet/v1/dev/${VICTIM}/desired/+/+`], { ...hostile, id: VICTIM });
    const forge = () => mosquittoPub(broker, `fleet/v1/dev/${VICTIM}/evt`, 'forged', { ...hostile, id: VICTIM });
    const lost = (error: unknown) => /connection was lost/i.test(String(error));
    // Whoever is pushed off comes back, and pushes this one off in turn: it has to be tried until it was there long enough.
    const tryToForge = (): Promise<void> =>
      forge().catch((error: unknown) => (lost(error) ? tryToForge() : Promise.reject(error)));
    await tryToForge();
    await thief.stop();
    const { id } = await device.push(wish(3));
    await device.evt({ update: id, event: 'applied' });
    t.strictSame([thief.seen, forged()], [[], []]);
  });
});

t.test(
  'with operators.conf nobody can push another off, and no device gets in where operators do',
  { timeout: 60_000 },
  async (t) => {
    const broker = await startSample(t, { operators: true });
    const { device, watcher } = await worldOf(t, broker);
    const hostile = { cert: broker.issue(HOSTILE), id: VICTIM };
    const own = `fleet/v1/dev/${HOSTILE}`;
    const thief = await mosquittoSub(t, { ...broker, port: broker.devicePort }, [`${own}/cmd/+`], hostile);
    await t.rejects(
      mosquittoPub(broker, `${own}/evt`, 'here I am', hostile),
      'the authority of the operators has not signed it',
    );
    const { id } = await device.push(wish(1));
    await device.evt({ update: id, event: 'applied' });
    await mosquittoPub(broker, `${own}/cmd/refresh`, 'for it');
    await thief.next(() => true);
    t.match(broker.log(), new RegExp(`as ${HOSTILE} .*u'${HOSTILE}'`), 'it is known by the name in its certificate');
    t.notMatch(broker.log(), /already connected, closing old connection/);
    t.notOk(watcher.seen.some(({ payload }) => payload.includes('here I am')));
  },
);

t.test('a broker without any rules: the devices believe signatures, not topics', { timeout: 60_000 }, async (t) => {
  const world = await lineWorld(t);
  const device = lineDevice(t, world, { id: VICTIM });
  const other = lineDevice(t, world, { id: HOSTILE });
  await device.start();
  const own = opensslKey(join(device.dir, 'stranger'), 'hostile');
  const sign = (typ: string, payload: object) =>
    opensslSign(own, { v: 1, id: 'forged', iat: nowS(), ...payload }, { typ });
  const halt = sign('locksmith-halt+jwt', { aud: 'all', version: 9 });
  const command = { aud: `dev/${VICTIM}`, exp: nowS() + 60 };
  const forged: readonly (readonly [topic: string, payload: string, code: string])[] = [
    ['all/desired/aim/base', '{"files":[]}', 'malformed'],
    [`dev/${VICTIM}/desired/aim/shadow`, sign('locksmith-update+jwt', {}), 'unknown-key'],
    ['grp/canary/desired/aim/base', other.sign(wish(5, `dev/${HOSTILE}`)).jws, 'wrong-audience'],
    ['all/halt', halt, 'unknown-key'],
    [`dev/${VICTIM}/halt`, '{}', 'malformed'],
    ['all/trust', '{}', 'malformed'],
    [
      `dev/${VICTIM}/cmd/rollback`,
      sign('locksmith-command+jwt', { ...command, cmd: 'rollback', config: 'aim' }),
      'unknown-key',
    ],
    [`dev/${VICTIM}/desired/aim/base`, halt, 'bad-type'],
  ];
  for (const [topic, payload] of forged) {
    await mosquittoPub(world.broker, `${device.root}/v1/${topic}`, payload, { retain: true });
  }
  await until(
    () => `a refusal of each: ${JSON.stringify(device.evts().map(({ event, code }) => [event, code]))}`,
    () => device.evts({ event: 'refused' }).length >= forged.length,
  );
  t.strictSame(
    device
      .evts({ event: 'refused' })
      .map(({ code }) => code)
      .sort(),
    forged.map(([, , code]) => code).sort(),
  );
  t.same(device.contents(), { [CONF]: 'hold = 500\n' });
  const { id } = await device.push(wish(1));
  await device.evt({ update: id, event: 'applied' });
  t.same(device.contents(), { [CONF]: 'hold = 1\n' }, 'and it is neither halted nor without its keys');
});
