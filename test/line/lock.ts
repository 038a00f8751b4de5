import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256Hex } from '../fixtures/device.ts';
import { type LineDevice, type LineTest, lineDevice, lineWorld } from '../fixtures/line.ts';
import { flockBy, type Locker, lockfBy } from '../fixtures/lock-holders.ts';
import { until } from '../fixtures/until.ts';

const CONF = 'aim_lock_config.conf';
const CONFIGS = { aim_lock_config: { [CONF]: 'hold = 500\n' } };
const wish = (version: number, content: string) => ({
  ...{ config: 'aim_lock_config', version, files: { [CONF]: content } },
});
const HOT = /^lock mismatch: aim_lock_config\.conf HOT \(held by pid \d+ /;

/** Who holds what: real locks of both families, on the sidecar and on the config file itself. */
const HOLDERS: Readonly<Record<string, (t: LineTest, device: LineDevice) => Promise<Locker>>> = {
  'flock(1) on the sidecar': (t, device) => flockBy(t, sidecar(device)),
  'lockf of Python on the sidecar': (t, device) => lockfBy(t, sidecar(device)),
  'flock(1) on the config file': (t, device) => flockBy(t, join(device.etc, CONF)),
  'lockf of Python on the config file': (t, device) => lockfBy(t, join(device.etc, CONF)),
};

function sidecar(device: LineDevice): string {
  return join(device.run, 'locks', 'aim_lock_config', 'lock');
}

const reported = (device: LineDevice, fits: Parameters<LineDevice['reported']>[0]) =>
  device.reported(fits, 'aim_lock_config');

t.test('the lock check on the way of an update', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);

  for (const [index, [who, take]] of Object.entries(HOLDERS).entries()) {
    await t.test(`HOT by ${who}: refused, pending, applied by itself when COLD`, async (t) => {
      const device = lineDevice(t, world, { root: `hot-${index}`, configs: CONFIGS });
      const agent = await device.start();
      await until('the sidecar', () => existsSync(sidecar(device)));
      const holder = await take(t, device);
      const { ino } = statSync(join(device.etc, CONF));

      const { id } = await device.push(wish(1, 'hold = 800\n'));
      const refused = await device.evt({ update: id, event: 'refused' });
      t.match(refused, { code: 'lock-mismatch', mismatch: 'hot', final: false, config: 'aim_lock_config' });
      t.match(refused.reason, HOT);
      t.ok(refused.reason?.includes(`pid ${holder.pid} `), `names the holder: ${refused.reason}`);
      const waiting = await reported(device, ({ pending }) => pending !== null);
      t.match(waiting, {
        running: { version: 0 },
        last_attempt: { id, result: 'refused', code: 'lock-mismatch', reason: refused.reason },
        pending: { id, version: 1, waiting_for: ['lock'] },
      });
      const lock = await device.lock(({ state }) => state === 'HOT', 'aim_lock_config');
      t.match(lock, { verdict: 'held', holder: { pid: holder.pid }, file: CONF });
      t.ok(readFileSync(join(device.state, 'log'), 'utf8').includes(refused.reason ?? 'none'), 'in the log as well');
      t.match(agent.stderr(), 'lock mismatch: aim_lock_config.conf HOT (');
      t.equal(statSync(join(device.etc, CONF)).ino, ino, 'the file was not touched');

      await holder.end();
      t.match(await device.evt({ update: id, event: 'applied' }), { changed: true, final: true });
      const after = await reported(device, ({ running }) => running.version === 1);
      t.match(after, { pending: null, last_attempt: { id, result: 'applied', code: null } });
      t.same(device.contents(), { [CONF]: 'hold = 800\n' });
      // The kernel ends a group one by one: for an instant the lock may be that of a child whose parent is gone.
      const ours = device.evts({ update: id, event: 'refused' }).filter(({ reason }) => reason === refused.reason);
      t.equal(ours.length, 1, 'said once');
    });
  }

  await t.test('said once per document and holder, also over a restart', async (t) => {
    const device = lineDevice(t, world, { root: 'once', configs: CONFIGS });
    const agent = await device.start();
    await until('the sidecar', () => existsSync(sidecar(device)));
    const first = await flockBy(t, sidecar(device));
    const one = await device.push(wish(1, 'one\n'));
    await device.evt({ update: one.id, event: 'refused' });
    await agent.stop();
    const again = await device.start();
    await until('the restarted agent waits', () => device.evts({ event: 'started' }).length === 2);
    await reported(device, ({ pending, seq }) => pending?.id === one.id && seq > 6);
    t.equal(device.evts({ update: one.id, event: 'refused' }).length, 1, 'the same holder after a restart');

    const two = await device.push(wish(2, 'two\n'));
    await device.evt({ update: one.id, event: 'superseded', final: true, reason: 'by version 2' });
    await device.evt({ update: two.id, event: 'refused', final: false });
    await again.stop('SIGKILL');
    await first.end();
    const second = await flockBy(t, sidecar(device));
    await device.start();
    await until('the new holder is named', () =>
      device.evts({ update: two.id }).some(({ reason }) => reason?.includes(`pid ${second.pid} `)),
    );
    await second.end();
    await device.evt({ update: two.id, event: 'applied' });
    t.equal(device.evts({ update: one.id, final: true }).length, 1, 'one outcome for the one');
    t.equal(device.evts({ update: two.id, final: true }).length, 1, 'and one for the other');
    t.same(device.contents(), { [CONF]: 'two\n' });
  });

  await t.test('on_hot: refuse makes it final', async (t) => {
    const device = lineDevice(t, world, { root: 'refuse', configs: CONFIGS, onHot: 'refuse' });
    await device.start();
    await until('the sidecar', () => existsSync(sidecar(device)));
    const holder = await flockBy(t, sidecar(device));
    const { id } = await device.push(wish(1, 'one\n'));
    const refused = await device.evt({ update: id, event: 'refused' });
    t.match(refused, { code: 'lock-mismatch', mismatch: 'hot', final: true, reason: HOT });
    t.match(await reported(device, (r) => r.last_attempt?.id === id), {
      pending: null,
      last_attempt: { result: 'refused' },
    });
    await holder.end();
    const next = await device.push(wish(2, 'two\n'));
    await device.evt({ update: next.id, event: 'applied' });
    t.same(device.evts({ update: id }).length, 1);
  });

  await t.test('a withdrawal and a fall-off wait for the lock too', async (t) => {
    const device = lineDevice(t, world, { root: 'back', configs: CONFIGS });
    await device.start();
    const { id } = await device.push(wish(1, 'one\n'));
    await device.evt({ update: id, event: 'applied' });
    const holder = await flockBy(t, sidecar(device));
    await device.push({ ...wish(2, ''), files: null });
    const waits = await reported(device, ({ pending }) => pending !== null);
    t.match(waits, { running: { version: 1 }, pending: { id: null, version: 0, waiting_for: ['lock'] } });
    t.match(await device.evt({ event: 'waiting' }), { code: 'lock-mismatch', mismatch: 'hot', reason: HOT });
    await holder.end();
    await reported(
      device,
      ({ running, pending }) => running.version === 0 && pending === null && running.since !== null,
    );
    t.same(device.contents(), { [CONF]: 'hold = 500\n' });
  });

  await t.test('a HOT document that is withdrawn never takes effect', async (t) => {
    const device = lineDevice(t, world, { root: 'withdrawn', configs: CONFIGS });
    await device.start();
    await until('the sidecar', () => existsSync(sidecar(device)));
    const holder = await flockBy(t, sidecar(device));
    const { id } = await device.push(wish(1, 'one\n'));
    await device.evt({ update: id, event: 'refused' });
    const back = await device.push({ ...wish(2, ''), files: null });
    await device.evt({ update: id, event: 'withdrawn', final: true });
    await device.evt({ update: back.id, event: 'withdrawn', final: true });
    await holder.end();
    t.match(await reported(device, ({ pending, seq }) => pending === null && seq > 5), { running: { version: 0 } });
    t.same(device.contents(), { [CONF]: 'hold = 500\n' });
    const next = await device.push(wish(3, 'three\n'));
    await device.evt({ update: next.id, event: 'applied' });
    t.same(device.evts({ event: 'applied' }).length, 1, 'the only one ever applied');
  });

  await t.test('expect: what fits is applied, what does not is refused for good', async (t) => {
    const device = lineDevice(t, world, { root: 'expect', configs: CONFIGS });
    const agent = await device.start();
    const digest = `sha256:${sha256Hex('hold = 500\n')}`;
    const first = await device.push({ ...wish(1, 'one\n'), payload: { expect: { digest, token: 0 } } });
    t.match(await device.evt({ update: first.id }), { event: 'applied' });
    const { token } = await device.lock((lock) => lock.token > 0, 'aim_lock_config');
    t.equal(token, 1, 'the commit took one grant');

    const stale = await device.push({ ...wish(2, 'two\n'), payload: { expect: { token: 0 } } });
    t.match(await device.evt({ update: stale.id }), {
      ...{ event: 'refused', code: 'lock-mismatch', mismatch: 'token', final: true },
      reason: 'lock mismatch: aim_lock_config.conf has token 1, the update expected 0',
    });
    const wrong = await device.push({ ...wish(3, 'three\n'), payload: { expect: { digest } } });
    t.match(await device.evt({ update: wrong.id }), { event: 'refused', mismatch: 'digest', final: true });
    await agent.stop();
    await device.start();
    t.same(device.contents(), { [CONF]: 'one\n' });
    const right = await device.push({
      ...wish(4, 'four\n'),
      payload: { expect: { digest: `sha256:${sha256Hex('one\n')}`, token } },
    });
    t.match(await device.evt({ update: right.id }), { event: 'applied' }, 'probes, looks and restarts grant nothing');
  });
});
