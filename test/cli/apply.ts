import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { freeUdpPort, startAutopilot } from '../fixtures/autopilot.ts';
import { nowS } from '../fixtures/documents.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { until } from '../fixtures/until.ts';

const file = (content: string) => ({ files: { 'aim.conf': content } });

t.test('with the daemon dead: the same line in this process', async (t) => {
  const device = loneDevice(t);
  const stick = join(device.dir, 'stick.jws');
  writeFileSync(stick, `${device.sign({ version: 1, ...file('one\n') }).jws}\n`);
  t.match(await device.locksmith(['apply', stick]), { code: 0, stdout: 'applied\n', stderr: '' });
  t.same(device.contents(), { 'aim.conf': 'one\n' });
  t.match(
    await device.locksmith(['apply', stick]),
    { code: 0, stdout: 'applied\n' },
    'the same again: nothing to change',
  );

  const json = await device.locksmith(['apply', '-', '--json'], device.sign({ version: 2, ...file('two\n') }).jws);
  t.equal(json.code, 0);
  t.strictSame(JSON.parse(json.stdout), { result: 'applied', code: null, reason: null });

  const old = await device.locksmith(['apply', '-', '--json'], device.sign({ version: 1, ...file('old\n') }).jws);
  t.equal(old.code, 3);
  t.match(JSON.parse(old.stdout), { result: 'refused', code: 'replayed' });
  const broken = await device.locksmith(['apply', '-'], 'no document');
  t.match(broken, { code: 3, stdout: 'refused: not three base64url parts with dots between (malformed)\n' });
  t.match(await device.locksmith(['apply', '-'], ''), { code: 3, stdout: /^refused: / });

  const shadow = device.sign({ version: 1, layer: 'shadow', ...file('s\n'), payload: { until: nowS() + 600 } });
  t.match(await device.locksmith(['apply', '-'], shadow.jws), { code: 0, stdout: 'applied\n' });
  const base = await device.locksmith(['apply', '-'], device.sign({ version: 3, ...file('three\n') }).jws);
  t.match(base, { code: 0, stdout: 'covered: a more specific update stands above it\n' });
  const back = await device.locksmith(['apply', '-'], device.sign({ version: 2, layer: 'shadow', files: null }).jws);
  t.match(back, { code: 0, stdout: /^withdrawn/ });
  t.same(device.contents(), { 'aim.conf': 'three\n' });
});

t.test('--despite-halt says why, or nothing is handed over', async (t) => {
  const device = loneDevice(t);
  const { jws } = device.sign({ version: 1, ...file('one\n') });
  for (const [more, why] of [
    [['--despite-halt'], /^locksmith: apply: --despite-halt needs --reason R\nTry: /],
    [['--reason', 'r'], /--reason is for --despite-halt/],
    [['--despite-halt', '--reason', ' '], /--reason: expected words/],
    [['--despite-halt', '--reason', 'x'.repeat(257)], /--reason: expected words/],
  ] as const) {
    t.match(await device.locksmith(['apply', '-', ...more], jws), { code: 2, stdout: '', stderr: why });
  }
  t.same(device.contents(), { 'aim.conf': 'hold = 500\n' });
  const reason = ['--despite-halt', '--reason', 'no halt is known here'];
  t.match(await device.locksmith(['apply', '-', ...reason], jws), { code: 0, stdout: 'applied\n' });
});

t.test('HOT: exit 3, and the next life applies it by itself', async (t) => {
  const device = loneDevice(t);
  await device.locksmith(['apply', '-'], device.sign({ version: 1, ...file('one\n') }).jws);
  const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  const { jws } = device.sign({ version: 2, ...file('two\n') });
  const hot = await device.locksmith(['apply', '-'], jws);
  t.equal(hot.code, 3);
  t.match(
    hot.stdout,
    /^waiting: lock mismatch: aim\.conf HOT \(held by pid \d+.*; it is applied by itself later \(lock-mismatch\)\n$/,
  );
  await holder.end();
  const agent = await device.daemon();
  await until('it is applied', () => device.contents()['aim.conf'] === 'two\n');
  t.match(await device.locksmith(['apply', '-'], jws), { code: 0, stdout: 'applied\n' }, 'asked of the daemon');
  await agent.stop();
});

t.test('with the daemon running it does the work; a frozen one is said to be frozen', async (t) => {
  const device = loneDevice(t);
  const agent = await device.daemon();
  const ran = await device.locksmith(['apply', '-'], device.sign({ version: 1, ...file('one\n') }).jws);
  t.match(ran, { code: 0, stdout: 'applied\n' });
  t.match(agent.stderr(), 'applied aim base version 1 for grp/canary');
  const refused = await device.locksmith(['apply', '-'], device.sign({ version: 2, files: { 'b.conf': 'x' } }).jws);
  t.match(refused, { code: 3, stdout: /^refused: .*\(incomplete\)\n$/ });

  agent.child.kill('SIGSTOP');
  const frozen = await device.locksmith(['apply', '-'], device.sign({ version: 3, ...file('three\n') }).jws);
  agent.child.kill('SIGCONT');
  t.match(frozen, { code: 1, stdout: '', stderr: /frozen or overloaded.*\nTry: locksmith status\n$/ });
  t.equal((await agent.stop()).code, 0);
  t.same(device.contents(), { 'aim.conf': 'one\n' }, 'nothing was handed to it');
});

t.test('with the daemon dead the vehicle is listened to: landed, it goes ahead', { timeout: 90_000 }, async (t) => {
  const port = await freeUdpPort();
  const device = loneDevice(t, { vehicle: { mavlink: { listen: `udp://127.0.0.1:${port}`, system: 1 } } });
  const heard = /^the agent does not run: the vehicle is listened to here, for ten seconds at most$/m;
  const first = device.sign({ version: 1, ...file('one\n') });
  const silent = await device.locksmith(['apply', '-'], first.jws);
  t.match(silent, { code: 3, stderr: heard });
  t.match(
    silent.stdout,
    /^waiting: the vehicle is not known to be safe: no heartbeat of system 1 yet; .* \(not-safe\)\n$/,
  );

  const vehicle = startAutopilot(t, port, true);
  const flying = await device.locksmith(['apply', '-'], first.jws);
  t.match(flying, { code: 3, stderr: heard });
  t.match(flying.stdout, /^waiting: the vehicle is not safe: armed.* \(not-safe\)\n$/);
  t.same(device.contents(), { 'aim.conf': 'hold = 500\n' }, 'nothing moves in the air');

  vehicle.flies(false);
  const startedMs = performance.now();
  t.match(await device.locksmith(['apply', '-'], first.jws), { code: 0, stdout: 'applied\n', stderr: heard });
  t.ok(performance.now() - startedMs >= 5_000, 'not before five seconds of rest');
  t.same(device.contents(), { 'aim.conf': 'one\n' });
  const back = await device.locksmith(['rollback', 'aim', '--yes', '--reason', 'it aims too low']);
  t.match(back, { code: 0, stdout: /^rolled-back: /, stderr: heard });
  t.same(device.contents(), { 'aim.conf': 'hold = 500\n' });
});

t.test('somebody else works with this state: exit 1, with a way out', async (t) => {
  const device = loneDevice(t);
  const { jws } = device.sign({ version: 1, ...file('one\n') });
  const other = await flockBy(t, join(device.state, 'instance.lock'));
  const busy = await device.locksmith(['apply', '-'], jws);
  t.match(busy, { code: 1, stdout: '', stderr: /another locksmith works with this state\nTry: locksmith status\n$/ });
  await other.end();
  t.match(await device.locksmith(['apply', '-'], jws), { code: 0 });
});

t.test('wrong use: exit 2', async (t) => {
  const device = loneDevice(t);
  t.match(await device.locksmith(['apply']), { code: 2, stderr: /takes one FILE, got 0\nTry: locksmith apply --help/ });
  t.match(await device.locksmith(['apply', '/nowhere']), { code: 2, stderr: /\/nowhere: cannot be read: ENOENT/ });
  const large = await device.locksmith(['apply', '-'], 'x'.repeat(200_000));
  t.match(large, { code: 2, stderr: /200000 bytes, more than a signed document can have/ });
});
