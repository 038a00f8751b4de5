import t from 'tap';
import { openGlance } from '../../agent/lock/glance.ts';
import type { FileStat } from '../../agent/ports/files.ts';

const FILE: FileStat = {
  ...{ kind: 'file', bytes: 5, mode: 0o644, uid: 0, gid: 0, links: 1, dev: 1, ino: 2 },
  ...{ modifiedMs: 1000, changedMs: 1000 },
};

/** A glance at a file that is as `now` says; gives how often it was read. */
function glanceAt(stat: FileStat | null) {
  const now = { stat, wallMs: 60_000, reads: 0 };
  const files = { stat: () => now.stat };
  const glance = openGlance({ files, clock: { wallMs: () => now.wallMs } }, 'lock.view', '/x', () => {
    now.reads += 1;
    return now.reads;
  });
  return { now, glance };
}

t.test('read once for as long as it is the same', async (t) => {
  const { now, glance } = glanceAt(FILE);
  t.same([glance(), glance(), glance()], [1, 1, 1]);
  for (const change of [{ ino: 3 }, { dev: 2 }, { bytes: 6 }, { modifiedMs: 1001 }, { changedMs: 1001 }]) {
    now.stat = { ...FILE, ...change };
    const before = now.reads;
    t.equal(glance(), before + 1, JSON.stringify(change));
    t.equal(glance(), before + 1);
  }
  now.stat = null;
  const before = now.reads;
  t.same([glance(), glance()], [before + 1, before + 2], 'gone');
});

t.test('read each time while another change would look the same', async (t) => {
  const { now, glance } = glanceAt(FILE);
  now.wallMs = 2000;
  t.same([glance(), glance()], [1, 2], 'it has just changed');
  now.wallMs = 0;
  t.same([glance(), glance()], [3, 4], 'or will have: the clock was set back');
  now.wallMs = 2001;
  t.same([glance(), glance()], [5, 5]);
});

t.test('a link is no file, and a directory is one', async (t) => {
  const link = glanceAt({ ...FILE, kind: 'symlink' });
  t.same([link.glance(), link.glance()], [1, 2]);
  const directory = glanceAt({ ...FILE, kind: 'directory' });
  t.same([directory.glance(), directory.glance()], [1, 1]);
});
