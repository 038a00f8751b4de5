import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command as rollout } from '../../agent/cli/rollout.ts';
import { runCommand } from '../fixtures/command.ts';
import { OLD } from '../fixtures/rollout-fleet.ts';
import {
  badCanary,
  confOf,
  contents,
  incidentFleet,
  NEW,
  orphanedCanary,
  startRollout as start,
} from '../fixtures/rollout-incident.ts';

t.test('six devices, three of them canaries', { timeout: 600_000 }, async (t) => {
  const fleet = await incidentFleet(t, 6);
  const ids = fleet.devices.map(({ id }) => id);

  await t.test('a dry run changes nothing', async (t) => {
    const dry = await start(fleet, NEW, '--name', 'dry', '--canary', 'grp/canary', '--waves', '60%,100%', '--dry-run');
    t.match(dry, { code: 0, stdout: /canary +3 +grp\/canary: d01 d02 d03\n +wave 1 +1 .*\n +wave 2 +2 / });
    t.match(await fleet.operator(['rollout', 'status']), { code: 4, stdout: '' });
  });

  await t.test('the health of the canary fails: it is back, and nobody else was touched', (t) => badCanary(t, fleet));
  await t.test('the incident: one canary is HOT by a leaked descriptor', (t) => orphanedCanary(t, fleet));

  await t.test(
    'paused after the canary; then halted: all is back. Resumed, it begins anew and rewrites nothing at the end',
    async (t) => {
      const wishes = ['--canary', 'd01', '--waves', '4,100%', '--name', 'pausing', '--pause'];
      t.match(await start(fleet, OLD, ...wishes), { code: 0, stdout: /^paused after the canary/m });
      t.equal(contents(fleet).filter((content) => content === OLD).length, 1);
      const halting = (...more: string[]) => fleet.operator(['halt', '--to', 'all', ...more]);
      const keeping = () => fleet.operator(['rollout', 'halt', 'pausing', '--keep', '--note', 'wind']);
      const halts = async () => JSON.parse((await fleet.operator(['rollout', 'status', 'pausing', '--json'])).stdout);
      t.match(await halting('--config', 'nav', '--replace'), { code: 0 });
      t.match(await keeping(), { code: 3, stderr: /no stop sign is left, all has another one .*; nothing was taken/ });
      t.match(
        await halts(),
        { halt: { configs: ['nav'] }, plan: { stage: 'paused' } },
        'somebody else has put it there',
      );
      t.match(await halting(), { code: 0 });
      const held = { code: 3, stderr: /holds all updates\nTry: locksmith halt --to all --lift/ };
      t.match(await fleet.operator(['rollout', 'resume', 'pausing']), held);
      t.match(await halting('--lift'), { code: 0 });
      t.match(await keeping(), { code: 0, stderr: /whoever has not begun waits; nothing was taken back/ });
      t.match(await halts(), { halt: { rollout: 'pausing', note: 'wind' }, plan: { stage: 'paused' } });
      t.equal(contents(fleet).filter((content) => content === OLD).length, 1);
      const told = await fleet.operator(['rollout', 'halt', 'pausing', '--note', 'gimbals turn', '--json']);
      t.match(told, { code: 0 });
      t.match(JSON.parse(told.stdout), {
        ...{ end: 'halted', exit: 0, left: [], devices: [{ device: 'd01', wave: 'canary', state: 'confirmed' }] },
      });
      t.strictSame(contents(fleet), Array(6).fill(NEW));
      t.match(await fleet.operator(['rollout', 'resume', 'pausing']), { code: 0, stdout: /^paused after the canary/m });
      const operator = fleet.startOperator(['rollout', 'resume', 'pausing']);
      await operator.line('promotion:', 120_000);
      const written = ids.map((id) => statSync(confOf(fleet, id)).ino);
      t.match(await operator.ended, { code: 0 }, operator.stderr());
      t.strictSame(
        ids.map((id) => statSync(confOf(fleet, id)).ino),
        written,
        'promotion has written nothing',
      );
      t.strictSame(contents(fleet), Array(6).fill(OLD));
    },
  );
});

t.test('wrong words', async (t) => {
  const env = { LOCKSMITH_BROKER: 'mqtt://127.0.0.1:9', LOCKSMITH_KEY: '/nowhere/key.json' };
  const file = join(t.testdir({ 'aim.conf': 'x' }), 'aim.conf');
  const wrong: readonly (readonly string[])[] = [
    [],
    ['stop'],
    ['start', 'aim'],
    ['start', 'aim', file],
    ['start', 'aim', file, '--to', 'dev/d1'],
    ['start', 'aim', file, '--to', 'all', '--waves', '10%'],
    ['start', 'aim', file, '--to', 'all', '--waves', 'x,100%'],
    ['start', 'aim', file, '--to', 'all', '--canary', 'a b'],
    ['start', 'aim', file, '--to', 'all', '--success', '0%'],
    ['start', 'aim', file, '--to', 'all', '--hot', 'x'],
    ['start', 'aim', file, '--to', 'all', '--within', '0s'],
    ['start', 'aim', file, '--to', 'all', '--offline', 'x'],
    ['start', 'aim', file, '--to', 'all', '--until', 'x'],
    ['resume', 'a b'],
    ['halt'],
    ['status', 'a', 'b'],
  ];
  for (const argv of wrong) t.match(await runCommand(rollout, argv, env), { code: 2, err: /\nTry: / }, argv.join(' '));
});
