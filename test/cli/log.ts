import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command } from '../../agent/cli/log.ts';
import { runCommand } from '../fixtures/command.ts';
import { start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('the story of a device, with its daemon dead', async (t) => {
  const device = loneDevice(t);
  const agent = await device.daemon();
  await device.locksmith(['apply', '-'], device.sign({ version: 4, files: { 'aim.conf': 'one\n' } }).jws);
  await agent.stop('SIGKILL');
  const all = await device.locksmith(['log']);
  t.equal(all.code, 0);
  t.match(all.stdout, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z notice +started: locksmith/m);
  t.match(all.stdout, /Z notice +applied aim base version 4 for grp\/canary\n$/);
  for (const line of all.stdout.trimEnd().split('\n')) t.ok(agent.stderr().includes(line), `also on stderr: ${line}`);

  const json = (await device.locksmith(['log', 'aim', '--json'])).stdout.trimEnd().split('\n');
  t.match(JSON.parse(json.at(-1) ?? ''), { at: String, clock: 'ok', level: 'notice', text: /^applied/, config: 'aim' });
  const last = await device.locksmith(['log', '--lines', '1']);
  t.match(last.stdout, /^[^\n]*applied[^\n]*\n$/);
  t.equal((await device.locksmith(['log', '--since', '1h'])).stdout, all.stdout);

  const later = await device.locksmith(['log', '--since', '2999-01-01']);
  t.match(later, { code: 4, stdout: '', stderr: 'nothing of that\n' });
  const unknown = await device.locksmith(['log', 'aimm']);
  t.match(unknown, { code: 4, stdout: '', stderr: /no config 'aimm'/ });
  for (const wrong of [
    ['--since', 'noon'],
    ['--lines', 'x'],
  ])
    t.match(await device.locksmith(['log', ...wrong]), { code: 2, stdout: '', stderr: /\nTry: locksmith log / });
});

t.test('set for a terminal: folded, coloured; in a pipe a line stays a line', async (t) => {
  const device = loneDevice(t);
  const path = join(device.state, 'log');
  const text =
    'lock mismatch: aim.conf HOT (held by pid 4711 flock, user root, for 8 s, "calibration"); it stays pending';
  appendFileSync(path, `2026-01-02T03:04:05.006Z warning ${text}\n\0\0half\n`);
  const argv = ['--settings', device.settings];
  const piped = await runCommand(command, argv);
  t.match(piped, { code: 0, err: '1 line left out: cut short by a crash or a power cut\n' });
  t.equal(piped.out, `2026-01-02T03:04:05.006Z warning ${text}\n`);
  const narrow = await runCommand(command, argv, {}, { columns: 80, colour: true });
  const lines = narrow.out.trimEnd().split('\n');
  t.equal(lines.length, 2);
  t.ok(lines[0]?.startsWith('\u001b[33m2026'));
  for (const line of lines) t.ok(line.length <= 80 + 9, line);
  t.match(lines[1], /^ {8}\S/);

  const never = await runCommand(command, argv, {}, { columns: 30 });
  t.equal(never.out, piped.out, 'too narrow to fold');
  rmSync(path);
  t.match(await runCommand(command, argv), { code: 4, out: '', err: /nothing has been written yet/ });
});

t.test('follows what comes', async (t) => {
  const device = loneDevice(t);
  const path = join(device.state, 'log');
  appendFileSync(path, '2026-01-02T03:04:05.006Z notice  before\n');
  const follower = start(['log', '--follow', '--settings', device.settings]);
  t.teardown(() => follower.stop('SIGKILL'));
  await follower.line('before');
  appendFileSync(path, '2026-01-02T03:04:06.006Z notice  comes\tconfig=aim\n');
  t.match(await follower.line('comes'), /^2026-01-02T03:04:06\.006Z notice {2}comes$/);
  t.match(await follower.stop('SIGINT'), { code: 0, signal: null });
});
