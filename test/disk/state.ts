import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { until } from '../fixtures/until.ts';

const CONF = 'aim.conf';
const root = process.geteuid?.() === 0;

t.test('a full state directory: what cannot be kept is not acknowledged, and comes again', async (t) => {
  if (!root) return t.comment('not root: nothing can be mounted, and nobody else be');
  const world = await lineWorld(t);
  const device = lineDevice(t, world, { root: 'full-state' });
  mkdirSync(device.state, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=755', 'tmpfs', device.state]);
  t.teardown(() => execFileSync('umount', ['-l', device.state]));
  const agent = await device.start();
  const one = await device.push({ version: 1, files: { [CONF]: 'one\n' } });
  await device.evt({ update: one.id, event: 'applied' });
  execFileSync('sh', ['-c', 'cat /dev/zero >"$0/filler" 2>/dev/null || true', device.state]);
  const two = await device.push({ version: 2, files: { [CONF]: 'x'.repeat(20_000) } });
  await until(
    () => `the trouble is told\n${agent.stderr()}`,
    () => agent.stderr().includes('ENOSPC'),
  );
  t.same(device.contents(), { [CONF]: 'one\n' }, 'the old content stays');
  execFileSync('rm', [join(device.state, 'filler')]);
  t.match(await device.evt({ update: two.id, event: 'applied' }), { final: true }, 'healed without a restart');
  t.equal(device.contents()[CONF]?.length, 20_000);
  t.equal(device.evts({ update: two.id }).length, 1);
});
