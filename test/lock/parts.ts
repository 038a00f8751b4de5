import t from 'tap';
import { lockPaths, openParts } from '../../agent/lock/parts.ts';
import { makeRoom } from '../fixtures/lock-room.ts';

t.test('where the files of a lock are', async (t) => {
  const paths = lockPaths('/run/locksmith', '/var/lib/locksmith', 'aim');
  t.equal(paths.sidecar, '/run/locksmith/locks/aim/lock');
  t.equal(paths.bit, '/run/locksmith/locks/aim/conf_locked');
  t.equal(paths.ceiling, '/var/lib/locksmith/locks/aim.token');
});

t.test('people are told the name of the file', async (t) => {
  const { ports, settings } = makeRoom(t, { files: ['aim_lock_config.conf', 'second.conf'] });
  t.equal(openParts(ports, settings, 'aim').fileName, 'aim_lock_config.conf');
  t.equal(openParts(ports, settings, 'none').fileName, 'none');
});
