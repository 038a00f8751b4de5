import { join } from 'node:path';
import t from 'tap';
import { flockBy } from '../fixtures/lock-holders.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('every update and what became of it, with the daemon dead', async (t) => {
  const device = loneDevice(t, { configs: { aim: { 'aim.conf': 'a\n' }, nav: { 'nav.conf': 'n\n' } } });
  t.match(await device.locksmith(['history']), { code: 4, stdout: '', stderr: 'nothing has happened yet\n' });
  t.match(await device.locksmith(['history', '--json']), { code: 4, stdout: '[]\n' });

  const give = (config: string, version: number, content: string) =>
    device.locksmith(['apply', '-'], device.sign({ config, version, files: { [`${config}.conf`]: content } }).jws);
  await give('aim', 1, 'one\n');
  await give('nav', 1, 'here\n');
  await give('aim', 2, 'one\n');
  await give('aim', 1, 'late\n');
  const lines = (await device.locksmith(['history'])).stdout.trim().split('\n');
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}/;
  t.ok(lines.every((line) => at.test(line)));
  t.match(
    lines.map((line) => line.replace(at, '')),
    [
      /^applied aim base version 1 for grp\/canary \(ran \d+ s\)$/,
      'applied nav base version 1 for grp/canary',
      'applied aim base version 2 for grp/canary without a change on disk',
      /^refused aim base version 1 for grp\/canary \(replayed\): version 1 of aim base/,
    ],
  );
  const nav = await device.locksmith(['history', 'nav', '--json']);
  t.match(JSON.parse(nav.stdout), [
    { seq: Number, boot: String, clock: 'ok', event: 'applied', config: 'nav', final: true },
  ]);
  t.match(await device.locksmith(['history', 'other']), { code: 4, stderr: /there is no config 'other'/ });
  t.match(await device.locksmith(['history', 'aim', 'nav']), { code: 2 });
});

t.test('how long it waited', async (t) => {
  const device = loneDevice(t);
  const one = device.sign({ version: 1, files: { 'aim.conf': 'one\n' } });
  await device.locksmith(['apply', '-'], one.jws);
  const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  const { jws } = device.sign({ version: 2, files: { 'aim.conf': 'two\n' } });
  await device.locksmith(['apply', '-'], jws);
  await holder.end();
  await device.locksmith(['apply', '-'], jws);
  const { stdout } = await device.locksmith(['history', 'aim']);
  t.match(stdout, /refused aim base version 2 .*lock mismatch: aim\.conf HOT .*tried again by itself\n/);
  t.match(stdout, /applied aim base version 2 for grp\/canary \(waited \d+ s\)\n$/);
});
