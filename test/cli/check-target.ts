import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { examineTarget } from '../../agent/cli/check-target.ts';
import { configDir } from '../fixtures/config-files.ts';

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
