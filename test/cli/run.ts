import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { leftBehind } from '../fixtures/device.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { until } from '../fixtures/until.ts';

t.test('the daemon on a broker', { timeout: 90_000 }, async (t) => {
  const world = await lineWorld(t);

  await t.test('says when it started, when it stopped and why; SIGKILL is told by the will', async (t) => {
    const device = lineDevice(t, world, { root: 'ends' });
    const status = async (state: string) => {
      const topic = `ends/v1/dev/${device.id}/status`;
      const seen = await world.watcher.next(
        (m) => m.topic === topic && JSON.parse(m.payload.toString()).state === state,
      );
      return JSON.parse(seen.payload.toString());
    };
    const agent = await device.start();
    t.match(await device.evt({ event: 'started' }), { seq: 1, reason: /^locksmith \d+\.\d+\.\d+/ });
    t.match(await status('online'), { state: 'online', boot: String });
    const dead = await agent.stop('SIGKILL');
    t.equal(dead.signal, 'SIGKILL');
    t.match(await status('offline'), { reason: /the link was lost/ });

    const polite = await device.start();
    t.same(await polite.stop('SIGINT'), { code: 0, signal: null });
    await device.evt({ event: 'stopped', reason: 'SIGINT' });
    const topic = `ends/v1/dev/${device.id}/status`;
    await world.watcher.next((m) => m.topic === topic && JSON.parse(m.payload.toString()).reason === 'SIGINT');
  });

  await t.test('SIGTERM in the middle of updates: the step is ended, nothing is left over', async (t) => {
    const device = lineDevice(t, world, { root: 'term' });
    for (let version = 1; version <= 3; version += 1) {
      const agent = await device.start();
      await device.push({ version, files: { 'aim.conf': `${version}\n` } });
      t.equal((await agent.stop()).code, 0);
      t.same(leftBehind(device), []);
      t.equal(readFileSync(join(device.run, 'locks', 'aim', 'conf_locked'), 'utf8').trim(), '0');
      t.match(JSON.parse(readFileSync(join(device.run, 'locks', 'aim', 'record.json'), 'utf8')), { mode: 'free' });
    }
    const last = await device.start();
    await until('the last one is in force', () => device.contents()['aim.conf'] === '3\n');
    await last.stop();
    t.match(device.evts({ version: 3, final: true }), [{ event: 'applied' }]);
  });
});

t.test('a second agent on the same state: exit 1, and the first goes on', async (t) => {
  const device = loneDevice(t);
  const first = await device.daemon();
  const second = await device.locksmith(['run']);
  t.match(second, { code: 1, stderr: /another locksmith works with this state\nTry: locksmith status\n$/ });
  const { jws } = device.sign({ version: 1, files: { 'aim.conf': 'one\n' } });
  t.equal((await device.locksmith(['apply', '-'], jws)).code, 0);
  t.equal((await first.stop()).code, 0);
});

t.test('an agent that cannot start ends, also when its link was on the way already', async (t) => {
  const device = loneDevice(t);
  const settings = JSON.parse(readFileSync(device.settings, 'utf8'));
  const run = join(device.dir, 'r'.repeat(120));
  writeFileSync(device.settings, JSON.stringify({ ...settings, paths: { ...settings.paths, run } }));
  const ended = await device.locksmith(['run']);
  t.match(ended, { code: 1, stderr: /longer than the 107 bytes .* choose a shorter paths\.run/ });
});

t.test('wrong settings and a missing key file: exit 2, before anything is touched', async (t) => {
  const device = loneDevice(t);
  writeFileSync(join(device.dir, 'keys.json'), 'no keys');
  t.match(await device.locksmith(['run']), { code: 2, stderr: /keys\.json.*\nTry: / });
  writeFileSync(device.settings, 'device: {}\n');
  t.match(await device.locksmith(['run']), { code: 2, stdout: '' });
  t.notOk(existsSync(join(device.state, 'journal')));
});

t.test('a damaged journal is put aside, named in an event, and the rest is believed', async (t) => {
  const device = loneDevice(t);
  const give = async (version: number) => {
    const { jws } = device.sign({ version, files: { 'aim.conf': `${version}\n` } });
    return device.locksmith(['apply', '-'], jws);
  };
  await give(1);
  await give(2);
  const path = join(device.state, 'journal');
  const lines = readFileSync(path, 'utf8').split('\n');
  lines[1] = `${lines[1]?.slice(0, -5)}xxxxx`;
  writeFileSync(path, lines.join('\n'));
  const agent = await device.daemon();
  await agent.stop();
  const history = JSON.parse((await device.locksmith(['history', '--json'])).stdout);
  const quarantined = history.find((evt: { event: string }) => evt.event === 'quarantined');
  t.match(quarantined.reason, /^1 damaged lines; the journal as it was: .*journal\.damaged-1$/);
  t.ok(existsSync(`${path}.damaged-1`));
  t.match(await give(3), { code: 0, stdout: 'applied\n' });
});
