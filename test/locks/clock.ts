import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { run, start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { until } from '../fixtures/until.ts';

// A wall clock that jumps years either way ends no hold and makes none older or younger: time is counted on the boot-time clock.

const preload = spawnSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' });
const without = preload.status === 0 ? false : 'faketime is not installed: scripts/setup --tests installs it';

/** A wall clock that all programs under its environment share, and that can be put forward and back while they run. */
function jumpingClock(owner: { teardown(fn: () => unknown): void }) {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-clock-'));
  owner.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'offset');
  const jump = (offset: string) => writeFileSync(file, `${offset}\n`);
  jump('+0');
  const env = {
    ...{ LD_PRELOAD: preload.stdout.trim(), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' },
    ...{ FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_RESET: '1' },
  };
  return { jump, env };
}

t.test('the wall clock jumps under a running agent', { skip: without }, async (t) => {
  const device = loneDevice(t);
  const { jump, env } = jumpingClock(t);
  const agent = start(['run', '--settings', device.settings], { env });
  t.teardown(() => agent.stop('SIGKILL'));
  await agent.line('started');
  const seen = async () => {
    const { stdout } = await run(['status', '--json', '--settings', device.settings], { env });
    return JSON.parse(stdout).locks.aim;
  };
  await until('the lock of the agent', () => true);
  t.match(await seen(), { state: 'COLD' });
  t.equal((await device.locksmith(['hold', 'aim', '--for', '1h', '--reason', 'survey'])).code, 0);
  const lasts = ({ since, until: end }: { since: string; until: string }) => Date.parse(end) - Date.parse(since);
  const years = (at: string) => (Date.parse(at) - Date.now()) / (365 * 86_400_000);

  for (const [offset, expected] of [
    ['+0', 0],
    ['+3y', 3],
    ['-3y', -3],
    ['+9y', 9],
  ] as const) {
    jump(offset);
    const lock = await seen();
    t.match(lock, { state: 'HOT', verdict: 'held', lease: true, reason: 'survey', token: 1 }, offset);
    t.ok(Math.abs(lasts(lock) - 3_600_000) < 5000, `${offset}: it lasts an hour, from ${lock.since} to ${lock.until}`);
    t.ok(Math.abs(years(lock.since) - expected) < 0.02, 'and began now, as the clock says it');
  }
  t.notMatch(agent.stderr(), /reclaimed/);

  const released = await device.locksmith(['release', 'aim', '--yes', '--reason', 'test']);
  t.equal(released.code, 0, released.stderr);
  const { token } = await seen();
  jump('+0');
  t.equal((await device.locksmith(['hold', 'aim', '--for', '2s'])).code, 0);
  jump('-30y');
  t.match(await seen(), { state: 'HOT', lease: true }, 'the clock went back before it ended');
  const end = Date.now() + 20_000;
  let lock = await seen();
  while (lock.state === 'HOT' && Date.now() < end) lock = await seen();
  t.match(lock, { state: 'COLD' }, 'and it ended all the same');
  t.ok(lock.token > token);
  await agent.stop();
});

t.test('an agent and commands started under a wrong clock see the same lock', { skip: without }, async (t) => {
  const device = loneDevice(t);
  const { jump, env } = jumpingClock(t);
  const argv = [
    'hold',
    'aim',
    '--for',
    '1h',
    '--settings',
    device.settings,
    '--',
    'sh',
    '-c',
    'echo ready; exec sleep 1000',
  ];
  const hold = start(argv);
  t.teardown(() => hold.stop('SIGKILL'));
  await hold.line('ready');
  for (const offset of ['+20y', '-20y']) {
    jump(offset);
    const { stdout } = await run(['locks', 'aim', '--json', '--settings', device.settings], { env });
    t.match(JSON.parse(stdout), { state: 'HOT', verdict: 'held', token: 1 }, `${offset}: neither overdue nor stale`);
    const taken = await run(['hold', 'aim', '--settings', device.settings, '--', 'true'], { env });
    t.equal(taken.code, 3);
    const agent = start(['run', '--settings', device.settings], { env });
    t.teardown(() => agent.stop('SIGKILL'));
    await agent.line('started');
    const status = await run(['status', '--json', '--settings', device.settings], { env });
    t.match(JSON.parse(status.stdout).locks.aim, { state: 'HOT', verdict: 'held', token: 1 });
    await agent.stop();
  }
  await hold.stop('SIGTERM');
  jump('+40y');
  const { stdout } = await run(['locks', 'aim', '--json', '--settings', device.settings], { env });
  t.match(JSON.parse(stdout), { state: 'COLD', token: 1 });
});
