import { closeSync, openSync } from 'node:fs';
import t from 'tap';
import { adaptiveSync } from '../../agent/host/sync.ts';

/** A disk whose answers take as long as it is told. */
function disk() {
  const calls: string[] = [];
  const state = { nowMs: 0, takesMs: 1, fails: false };
  const answer = (name: string) => {
    calls.push(name);
    state.nowMs += state.takesMs;
    if (state.fails) throw new Error('the disk is gone');
  };
  const sync = adaptiveSync(() => state.nowMs, {
    now: { all: () => answer('fsync now'), data: () => answer('fdatasync now') },
    later: { all: async () => answer('fsync later'), data: async () => answer('fdatasync later') },
  });
  return { calls, state, sync };
}

t.test('in place while the disk is fast, off the main thread once it is not, and back', async (t) => {
  const { calls, state, sync } = disk();
  await sync(3, 'all');
  await sync(3, 'data');
  state.takesMs = 900;
  await sync(3, 'all');
  await sync(3, 'all');
  state.takesMs = 1;
  await sync(3, 'data');
  await sync(3, 'data');
  t.same(calls, ['fsync later', 'fdatasync now', 'fsync now', 'fsync later', 'fdatasync later', 'fdatasync now']);
});

t.test('an error is the caller’s, in place or not', async (t) => {
  const { state, sync } = disk();
  state.fails = true;
  await t.rejects(sync(3, 'all'), /gone/);
  await t.rejects(sync(3, 'all'), /gone/);
});

t.test('with the real calls', async (t) => {
  const fd = openSync(t.testdir({ file: '' }), 'r');
  const sync = adaptiveSync();
  await sync(fd, 'all');
  await sync(fd, 'all');
  closeSync(fd);
  await t.rejects(sync(fd, 'data'), { code: 'EBADF' });
});
