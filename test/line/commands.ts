import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Code } from '../../agent/values/errors.ts';
import { nowS } from '../fixtures/documents.ts';
import { fakeSystemctl } from '../fixtures/fake-systemctl.ts';
import { type LineDevice, type LineWorld, lineDevice, lineWorld } from '../fixtures/line.ts';
import { leakBy } from '../fixtures/lock-holders.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';
import { opensslKey, opensslSign } from '../fixtures/openssl.ts';
import { until } from '../fixtures/until.ts';

/** A command made by hand: signed by openssl, published by mosquitto_pub. */
function commander(world: LineWorld, device: LineDevice) {
  const base = `${device.root}/v1/dev/${device.id}`;
  const sign = (fields: object, key = world.key) => {
    const iat = nowS();
    const payload = { v: 1, id: randomUUID(), aud: `dev/${device.id}`, iat, exp: iat + 60, ...fields };
    return { id: payload.id, jws: opensslSign(key, payload, { typ: 'locksmith-command+jwt' }) };
  };
  const publish = (name: string, jws: string, retain = false) =>
    mosquittoPub(world.broker, `${base}/cmd/${name}`, jws, { retain });
  return {
    sign,
    publish,
    async send(name: string, fields: object = {}) {
      const { id, jws } = sign({ cmd: name, ...fields });
      await publish(name, jws);
      return id;
    },
    /** How often something came on a topic of the device. */
    times: (topic: string) => world.watcher.seen.filter((seen) => seen.topic === `${base}/${topic}`).length,
  };
}

t.test('commands through the built program and a real broker', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);

  await t.test('refresh: what is retained is said again, as it was', async (t) => {
    const device = lineDevice(t, world, { root: 'refresh' });
    await device.start();
    const ours = commander(world, device);
    const before = await device.reported(() => true);
    const first = await ours.send('refresh');
    await device.evt({ command: first });
    t.match(await device.lock(() => true), { state: 'COLD', token: 0 }, 'said although nobody ever took it');
    const count = () => ['reported/aim', 'lock/aim', 'status'].map((topic) => ours.times(topic));
    await until('all was said', () => count().join() === '2,2,2');
    const id = await ours.send('refresh');
    const evt = await device.evt({ command: id });
    t.match(evt, { event: 'refreshed', cmd: 'refresh', who: world.key.kid, final: true });
    await until('all is said again', () => count().join() === '3,3,3');
    t.strictSame(device.reports().at(-1), before);
    const config = await ours.send('refresh', { config: 'aim' });
    await device.evt({ command: config, event: 'refreshed' });
    t.match(
      device.numbers(),
      [...device.numbers().keys()].map((n) => n + 1),
      'no number is used for it',
    );
  });

  await t.test(
    'release: what a dead process left to its child is given back, for the token and holder that were seen',
    async (t) => {
      const device = lineDevice(t, world, { root: 'release' });
      const keys = [{ ...world.key.jwk, may: { end_holder: true } }];
      writeFileSync(join(device.dir, 'keys.json'), JSON.stringify({ keys }));
      await device.start();
      const ours = commander(world, device);
      const locker = await leakBy(t, join(device.etc, 'aim.conf'));
      const update = await device.push({ version: 1, files: { 'aim.conf': 'hold = 800\n' } });
      t.match(await device.evt({ update: update.id, event: 'refused' }), { code: 'lock-mismatch', final: false });
      const { token, holder } = await device.lock(({ verdict }) => verdict === 'orphaned');
      const { pid = 0, start = null } = holder ?? {};
      t.equal(pid, Number(locker.said));
      const release = { config: 'aim', token, reason: 'its parent is gone' };
      const refused = async (code: Code, mismatch: string | undefined, fields: object) => {
        const id = await ours.send('release', { ...release, ...fields });
        const evt = await device.evt({ command: id });
        t.match(evt, { event: 'refused', cmd: 'release', config: 'aim', code, final: true });
        t.equal(evt.mismatch, mismatch);
        t.same(device.contents(), { 'aim.conf': 'hold = 500\n' });
      };
      await refused('lock-mismatch', 'token', { token: token + 1 });
      await refused('lock-mismatch', 'hot', {});
      const other = { pid, start: (start ?? 0) + 1 };
      await refused('lock-mismatch', 'hot', { end_holder: true, holder: other });
      const id = await ours.send('release', { ...release, end_holder: true, holder: { pid, start } });
      const said = { cmd: 'release', config: 'aim', who: world.key.kid, reason: 'its parent is gone', changed: true };
      const evt = await device.evt({ command: id });
      t.match(evt, { event: 'released', ...said, old_token: token, final: true });
      t.ok((evt.token ?? 0) > token);
      t.equal(device.evts({ event: 'released' }).length, 1, 'told once');
      t.match(await device.reported(({ running }) => running.version === 1), { pending: null });
      t.same(device.contents(), { 'aim.conf': 'hold = 800\n' }, 'what waited was applied by itself');
      const { token: now } = await device.lock((lock) => lock.state === 'COLD' && lock.token > (evt.token ?? 0));
      const cold = await ours.send('release', { ...release, token: now });
      t.match(await device.evt({ command: cold }), { event: 'released', token: now, old_token: now, changed: false });
    },
  );

  await t.test('release: writers that run are stopped before, and started again after', async (t) => {
    const writers = ['aim.service', 'idle.service'];
    const systemctl = fakeSystemctl(t, ['aim.service']);
    const device = lineDevice(t, world, {
      root: 'writers',
      settings: ({ configs }) => Object.assign(configs.aim ?? {}, { writers }),
    });
    const agent = start(['run', '--settings', device.settings], { env: { PATH: systemctl.path } });
    t.teardown(() => agent.stop('SIGKILL'));
    await agent.line(': connected');
    const ours = commander(world, device);
    await run(['hold', 'aim', '--for', '1h', '--settings', device.settings]);
    const { token } = await device.lock(({ state }) => state === 'HOT');
    const id = await ours.send('release', { config: 'aim', token, reason: 'over' });
    t.match(await device.evt({ command: id }), { event: 'released', changed: true });
    t.strictSame(systemctl.calls(), ['stop aim.service', 'start aim.service']);
  });

  await t.test('each id once: not again, not after a restart, not kept by the broker', async (t) => {
    const device = lineDevice(t, world, { root: 'once' });
    const agent = await device.start();
    const ours = commander(world, device);
    const { id, jws } = ours.sign({ cmd: 'refresh' });
    await ours.publish('refresh', jws);
    await device.evt({ command: id, event: 'refreshed' });
    await ours.publish('refresh', jws);
    const replayed = () => device.evts({ code: 'replayed' }).length;
    t.match(await device.evt({ command: id, event: 'refused' }), { code: 'replayed', final: true });
    await agent.stop('SIGKILL');
    const kept = ours.sign({ cmd: 'refresh' });
    await ours.publish('refresh', kept.jws, true);
    await device.start();
    await until('the kept one is refused', () => replayed() === 2);
    await ours.publish('refresh', jws);
    await until('the old one is refused', () => replayed() === 3);
    t.strictSame(device.evts({ command: kept.id }), [], 'what the broker kept is not even believed to be signed');
  });

  await t.test('refused: each with its code, and nothing is done', async (t) => {
    const device = lineDevice(t, world, { root: 'refuse' });
    await device.start();
    const ours = commander(world, device);
    const told = async (code: Code, name: string, { jws, id }: { readonly jws: string; readonly id?: string }) => {
      await ours.publish(name, jws);
      const evt = await device.evt({ event: 'refused', code, cmd: name, ...(id === undefined ? {} : { command: id }) });
      t.match(evt, { final: true }, code);
    };
    const release = { cmd: 'release', config: 'aim', token: 1, reason: 'r' };
    const past = { iat: nowS() - 99, exp: nowS() - 9 };
    await told('malformed', 'release', { jws: 'garbage' });
    const stranger = opensslKey(t.testdir({}), 'stranger');
    await told('unknown-key', 'refresh', { jws: ours.sign({ cmd: 'refresh' }, stranger).jws });
    await told('malformed', 'release', ours.sign({ ...release, token: undefined }));
    await told('malformed', 'rollback', ours.sign({ cmd: 'rollback', config: 'aim', reason: 'r' }));
    await told('no-such-update', 'rollback', ours.sign({ cmd: 'rollback', config: 'aim', update: 'u-0', reason: 'r' }));
    await told('no-such-update', 'confirm', ours.sign({ cmd: 'confirm', config: 'aim', update: 'u-0' }));
    await told('expired', 'refresh', ours.sign({ cmd: 'refresh', ...past }));
    await told('from-future', 'refresh', ours.sign({ cmd: 'refresh', iat: nowS() + 900, exp: nowS() + 960 }));
    await told('wrong-audience', 'refresh', ours.sign({ cmd: 'refresh', aud: 'dev/drone-8' }));
    await told('not-managed', 'refresh', ours.sign({ cmd: 'refresh', config: 'radio' }));
    await told('key-not-allowed', 'release', ours.sign({ ...release, end_holder: true, holder: { pid: 1 } }));
    const astray = ours.sign({ cmd: 'refresh' });
    await ours.publish('release', astray.jws);
    await device.evt({ command: astray.id, code: 'wrong-topic' });
    t.strictSame(device.evts({ event: 'refreshed' }), []);
  });

  await t.test('an agent with exact filters hears them too', async (t) => {
    const device = lineDevice(t, world, {
      root: 'exact',
      settings: (settings) => Object.assign(settings, { broker: { ...brokerOf(settings), filters: 'exact' } }),
    });
    await device.start();
    const id = await commander(world, device).send('refresh');
    await device.evt({ command: id, event: 'refreshed' });
  });

  await t.test('a fleet that does not see the reports: the link says so, until it does', async (t) => {
    const device = lineDevice(t, world, { root: 'unseen' });
    await device.start();
    const ours = commander(world, device);
    const link = () => JSON.parse(readFileSync(join(device.run, 'status.json'), 'utf8')).link;
    const state = async (word: string, seq: number) => {
      // What the broker took just now nobody need have seen: asked again until it is long enough ago.
      const end = Date.now() + 30_000;
      while (link().state !== word && Date.now() < end) {
        const id = await ours.send('refresh', { seq });
        await device.evt({ command: id, event: 'refreshed' });
      }
      t.equal(link().state, word);
    };
    await state('reports-unconfirmed', 0);
    t.match(link(), { connected: true, words: /it has seen number 0, the broker has taken \d+/ });
    await state('connected', 1_000_000);
  });
});

function brokerOf(settings: object): object {
  return 'broker' in settings && typeof settings.broker === 'object' && settings.broker !== null ? settings.broker : {};
}
