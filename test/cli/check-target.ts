import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { examineTarget } from '../../agent/cli/check-target.ts';
import { configDir } from '../fixtures/config-files.ts';
import { start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('whether a config file can be written', async (t) => {
  const [dir, remove] = configDir();
  t.teardown(remove);
  const file = (name: string) => ({ path: join(dir, name), format: 'text', follow: false }) as const;
  t.equal(examineTarget(file('aim.conf')), null, 'one that is to come');
  t.throws(() => examineTarget(file('none/aim.conf')), { code: 'missing-directory' });
  if (process.geteuid?.() !== 0) return t.comment('not root: no file can be made immutable');
  execFileSync('touch', [join(dir, 'aim.conf')]);
  execFileSync('chattr', ['+i', join(dir, 'aim.conf')]);
  try {
    t.throws(() => examineTarget(file('aim.conf')), { code: 'no-permission', message: /immutable/ });
  } finally {
    execFileSync('chattr', ['-i', join(dir, 'aim.conf')]);
  }
});

t.test('who may write by a capability, as the unit gives it, is not told that he cannot', async (t) => {
  if (process.geteuid?.() !== 0) return t.comment('not root: nobody else can be');
  const device = loneDevice(t);
  chmodSync(device.dir, 0o755);
  const check = async (...may: readonly string[]) => {
    const under = ['setpriv', '--reuid', '65533', '--regid', '65533', '--clear-groups', ...may];
    const program = start(['check', '--settings', device.settings], { under });
    await program.ended;
    return program.stdout() + program.stderr();
  };
  t.match(await check(), /aim\.conf: cannot be written by this user/);
  const told = await check('--inh-caps', '+dac_override', '--ambient-caps', '+dac_override');
  t.match(told, /all right|warning|agent\.yaml/);
  t.notMatch(told, 'cannot be written by this user');
});
