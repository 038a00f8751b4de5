import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { flockBy } from '../fixtures/lock-holders.ts';
import { LOCKSMITH, start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { until } from '../fixtures/until.ts';

t.test('before the first start, with the daemon running, and with it dead', async (t) => {
  const device = loneDevice(t, { heartbeatS: 0.2 });
  const never = await device.locksmith(['status']);
  t.equal(never.code, 0);
  t.match(
    never.stdout,
    /^device {3}drone-7, at .* UTC\nagent {4}not running; last beat never\n {2}try {4}locksmith log, .*\nconfig {3}aim: nothing known yet\n/,
  );

  const agent = await device.daemon();
  await device.locksmith(['apply', '-'], device.sign({ version: 4, files: { 'aim.conf': 'one\n' } }).jws);
  const running = await device.locksmith(['status']);
  t.match(
    running.stdout,
    new RegExp(`^agent    running \\d\\S+, pid ${agent.pid}, since \\d\\d:\\d\\d:\\d\\d, \\d+ s ago`, 'm'),
  );
  t.match(running.stdout, /^link {5}\S.*, since /m);
  t.match(
    running.stdout,
    /^config {3}aim: base version 4 for grp\/canary, since .* ago\n {2}lock {3}aim\.conf COLD\n/m,
  );
  for (const line of running.stdout.split('\n')) t.ok(line.length <= 80, line);

  const json = JSON.parse((await device.locksmith(['status', '--json'])).stdout);
  t.same(Object.keys(json).sort(), [
    'advice',
    'agent',
    'backlog',
    'clock',
    'configs',
    'counters',
    'device',
    'hidden',
    'link',
    'locks',
    'machine',
    'sent_bytes_per_h',
    'trust_version',
    'vehicle',
  ]);
  t.match(json, {
    device: 'drone-7',
    clock: { trust: 'ok', now: String, floor: String },
    backlog: { count: Number, bytes: Number },
    agent: {
      state: 'running',
      version: String,
      pid: agent.pid,
      since: String,
      last_sign: String,
      last_beat: String,
      last_beat_age_s: Number,
    },
    link: { connected: false, words: String },
    configs: { aim: { running: { version: 4, layer: 'base' }, pending: null, drift: null, seq: Number } },
    locks: { aim: { state: 'COLD', verdict: null, holder: null, file: 'aim.conf', token: 1 } },
  });

  await agent.stop('SIGKILL');
  const dead = await device.locksmith(['status']);
  t.match(dead.stdout, /^agent {4}not running; last beat \d\d:\d\d:\d\d, \d+ s ago\n/m);
  t.notMatch(dead.stdout, /^link/m, 'a dead agent has no link to speak of');
  t.match(dead.stdout, 'base version 4');
});

t.test('how long it has been dead, or frozen', async (t) => {
  const device = loneDevice(t);
  const path = join(device.run, 'beat');
  const agent = await device.daemon();
  const beat = await until('its first beat', () => existsSync(path) && JSON.parse(readFileSync(path, 'utf8')));
  t.equal(beat.pid, agent.pid);
  const status = async () => {
    const [words, json] = [await device.locksmith(['status']), await device.locksmith(['status', '--json'])];
    return { words: words.stdout, agent: JSON.parse(json.stdout).agent };
  };
  const rewrite = (more: object) => writeFileSync(path, JSON.stringify({ ...beat, ...more }));
  agent.child.kill('SIGSTOP');
  // So that nobody has to wait for it: a beat of half an hour ago, at 03:12:04.
  rewrite({ at: '2026-01-01T03:12:04.500Z', boot_ms: beat.boot_ms - 31 * 60_000 });
  const frozen = await status();
  t.match(frozen.words, new RegExp(`^agent    frozen since 03:12:04, 31 min ago: pid ${agent.pid} is there`, 'm'));
  t.match(frozen.words, 'try    systemctl restart locksmith-agent');
  t.match(frozen.agent, { state: 'frozen', pid: agent.pid, last_beat: '2026-01-01T03:12:04.500Z' });
  t.ok(frozen.agent.last_beat_age_s >= 31 * 60);
  rewrite({ boot_ms: beat.boot_ms - 31 * 60_000, start: 1 });
  t.match((await status()).agent, { state: 'running' }, 'the beat of another process says nothing of this one');
  agent.child.kill('SIGCONT');
  await until('it beats again', () => JSON.parse(readFileSync(path, 'utf8')).boot_ms > beat.boot_ms);
  t.match((await status()).agent, { state: 'running' });

  await agent.stop('SIGKILL');
  rewrite({ at: '2026-01-01T03:12:04.500Z', boot_ms: beat.boot_ms - 31 * 60_000 });
  t.match((await status()).words, /^agent {4}not running; last beat 03:12:04, 31 min ago\n/m);
  rewrite({ at: '2026-01-01T03:12:04.500Z', boot_ms: beat.boot_ms - 26 * 3_600_000 });
  t.match((await status()).words, /^agent {4}not running; last beat 2026-01-01 03:12:04, 1 d 2 h ago\n/m);
  writeFileSync(path, 'no beat');
  t.match(await status(), { words: /last beat never/, agent: { last_beat: null, last_beat_age_s: null } });
});

t.test('what waits, and for whom', async (t) => {
  const device = loneDevice(t);
  await device.locksmith(['apply', '-'], device.sign({ version: 1, files: { 'aim.conf': 'one\n' } }).jws);
  const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  await device.locksmith(['apply', '-'], device.sign({ version: 2, files: { 'aim.conf': 'two\n' } }).jws);
  const { stdout } = await device.locksmith(['status']);
  t.match(stdout, 'waits  base version 2 for grp/canary, for lock; it is applied by itself');
  t.match(stdout, new RegExp(`lock   aim\\.conf HOT \\(held by pid ${holder.pid} flock`));
  t.match(
    stdout,
    new RegExp(`try    Wait for it\\. If it must end: ask its owner, or end it\\s+\\(kill ${holder.pid}\\)`),
  );
});

t.test('somebody who is not root sees what he may, and is told what he may not', async (t) => {
  if (process.getuid?.() !== 0) {
    t.pass('not root: nobody else to be');
    return;
  }
  const device = loneDevice(t);
  for (const dir of [device.dir, device.run]) chmodSync(dir, 0o755);
  chmodSync(device.state, 0o750);
  chmodSync(device.settings, 0o644);
  const agent = await device.daemon();
  const as = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
  const asNobody = async () => {
    const program = start(['status', '--settings', device.settings], { under: as });
    t.match(await program.ended, { code: 0 }, program.stderr());
    return program.stdout();
  };
  const running = await asNobody();
  t.match(running, new RegExp(`^agent    running \\d\\S+, pid ${agent.pid}, since`, 'm'), LOCKSMITH);
  t.match(running, /^link /m);
  t.match(running, 'not seen without root: ');
  t.notMatch(running, 'instance.lock', 'its beat and its process have told');

  await agent.stop('SIGKILL');
  const dead = await asNobody();
  t.match(dead, /^agent {4}not running; last beat \d\d:/m);
  t.notMatch(dead, /^link /m, 'what a dead agent said last is not so now');

  rmSync(join(device.run, 'beat'));
  t.match(await asNobody(), /^agent {4}not running; last beat never/m);
  writeFileSync(join(device.run, 'beat'), 'no beat');
  const spoiled = await asNobody();
  t.match(spoiled, /^agent {4}not known without root/m);
  t.match(spoiled.replaceAll(/\s+/g, ' '), 'instance.lock');
  t.notMatch(spoiled, /^link /m);
});
