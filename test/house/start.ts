import { readFileSync } from 'node:fs';
import t from 'tap';
import { stranger } from '../fixtures/stranger.ts';
import { until } from '../fixtures/until.ts';

t.setTimeout(180_000);

t.test('start says ready, its three commands work as printed, and Ctrl-C leaves nothing behind', async (t) => {
  const me = stranger(t);
  const script = me.start('start');
  await script.says(/^ready: .*\n[\s\S]*Ctrl-C/m);
  const told = script.stdout();
  const told1 = (what: string) => new RegExp(`^ +${what} +(/.*?|mqtt:\\S+)(  |$)`, 'm').exec(told)?.[1] ?? '';
  for (const what of ['config', 'key', 'settings', 'state', 'log']) {
    t.ok(told1(what).startsWith(me.temporary), `says where the ${what} is`);
  }
  t.match(told1('broker'), /^mqtt:\/\/127\.0\.0\.1:\d+$/, 'and the broker');
  const commands = told.split('\n').filter((line) => /^'?\/.*locksmith'? (push|hold|status)/.test(line));
  t.equal(commands.length, 3, 'three commands');
  const [push = '', hold = '', look = ''] = commands;

  t.match(await me.type(push), { code: 0, stdout: /^drone-7 +applied$/m });
  t.match(readFileSync(told1('config'), 'utf8'), /^hold_ms = 800$/m);
  const refused = await me.type(hold);
  t.match(refused, {
    code: 0,
    stdout: /^drone-7 .*lock mismatch: aim_lock_config\.conf HOT \(.*[\s\S]*^drone-7 +applied$/m,
  });
  t.match(readFileSync(told1('config'), 'utf8'), /^hold_ms = 900$/m, 'and applied by itself afterwards');
  t.match(await me.type(look), { code: 0, stdout: /base version 2 for dev\/drone-7[\s\S]*^aim_lock_config +COLD/m });
  await script.says(/lock mismatch/);
  t.match(await me.type(push), { code: 0 }, 'a command may be given twice');

  t.not(me.processes().length, 0);
  process.kill(-script.pid, 'SIGINT');
  t.match(await script.ended, { code: 0, stderr: /^(?![\s\S]*start: )/ });
  t.strictSame(me.processes(), [], 'no process is left');
  t.strictSame(me.files(), [], 'no file is left, not in the home either');
});

t.test('a SIGTERM in the middle of the start leaves nothing behind', async (t) => {
  const me = stranger(t);
  const script = me.start('start');
  await until('a directory for the trial', () => me.files().length > 0, 60_000);
  process.kill(script.pid, 'SIGTERM');
  t.match(await script.ended, { code: 0 });
  t.strictSame([...me.processes(), ...me.files()], []);
});

t.test('an agent that ends by itself is told, with exit code 1', async (t) => {
  const me = stranger(t);
  const script = me.start('start');
  await script.says(/^ready: /m);
  const settings = / settings +(\/.*)/.exec(script.stdout())?.[1] ?? '';
  const status = await me.type(
    `'${settings.replace('agent.yaml', 'locksmith')}' status --json --settings '${settings}'`,
  );
  process.kill(JSON.parse(status.stdout).agent.pid, 'SIGKILL');
  t.match(await script.ended, { code: 1, stderr: /^start: the agent ended by itself: SIGKILL$[\s\S]*^Try: /m });
  t.strictSame([...me.processes(), ...me.files()], []);
});
