import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostFiles } from '../../agent/host/files.ts';
import { lockPaths } from '../../agent/lock/parts.ts';
import { openSurface } from '../../agent/lock/surface.ts';
import type { LockState } from '../../agent/values/lock.ts';

const holder = { pid: 5, start: 6, command: 'flock', user: 'root', unit: null };
const hot: LockState = {
  ...{
    state: 'HOT',
    verdict: 'held',
    holder,
    since: '2026-01-01T00:00:00.000Z',
    token: 3,
    refusals: 2,
    file: 'a.conf',
  },
};

t.test('plain files to cat, which a fresh process can go on from', async (t) => {
  const dir = t.testdir({ locks: { aim: {} } });
  const said: string[] = [];
  const log = { say: (_level: string, line: string) => void said.push(line) };
  const paths = lockPaths(dir, dir, 'aim');
  const surface = openSurface(hostFiles(), paths, log);
  const word = (path: string) => readFileSync(path, 'utf8');
  surface.show(hot);
  t.strictSame(
    [word(paths.state), word(paths.verdict), word(paths.bit), word(paths.token)],
    ['HOT\n', 'held\n', '1\n', '3\n'],
  );
  t.strictSame(
    [word(paths.holder), word(paths.since)],
    ['pid 5 flock, user root, start 6\n', '2026-01-01T00:00:00.000Z\n'],
  );
  const fresh = openSurface(hostFiles(), paths, log);
  t.equal(fresh.since(hot), hot.since);
  t.equal(fresh.refusals(hot), 2);
  const other = { ...hot, holder: { ...holder, pid: 9 } };
  t.strictSame([fresh.since(other), fresh.refusals(other)], [null, 0]);
  writeFileSync(paths.since, 'nonsense');
  t.equal(fresh.since(hot), null);
  fresh.show({ ...hot, state: 'COLD', verdict: null, holder: null });
  t.strictSame(
    [word(paths.state), word(paths.verdict), word(paths.holder), word(paths.bit)],
    ['COLD\n', '\n', '\n', '0\n'],
  );
  surface.show({ ...hot, state: 'COLD', verdict: null, holder: null });
  writeFileSync(paths.bit, '1');
  surface.show({ ...hot, state: 'COLD', verdict: null, holder: null });
  t.equal(word(paths.bit), '0\n', 'what somebody else wrote is put right');
  surface.bit('1');
  surface.token(8);
  t.strictSame([word(paths.bit), word(paths.token)], ['1\n', '8\n']);
  rmSync(paths.dir, { recursive: true });
  surface.show(hot);
  surface.show(hot);
  t.equal(said.length, 1, 'a view that cannot be written is said once');
  mkdirSync(paths.dir);
  chmodSync(paths.dir, 0o755);
  surface.show(hot);
  t.equal(word(paths.state), 'HOT\n');
});

t.test(
  'a request that comes in is not written over, also while the shell that writes it has only emptied the file',
  async (t) => {
    const dir = t.testdir({ locks: { aim: {} } });
    const paths = lockPaths(dir, dir, 'aim');
    const surface = openSurface(hostFiles(), paths, { say: () => {} });
    const shown = (word: string) => {
      writeFileSync(paths.bit, word);
      surface.show(hot);
      return readFileSync(paths.bit, 'utf8').trim();
    };
    surface.show({ ...hot, state: 'COLD', verdict: null, holder: null });
    t.equal(shown('0'), '1', 'nobody can ask before it is shown HOT');
    t.equal(shown('0'), '0');
    t.ok(surface.asked());
    surface.refuse(hot, 'no');
    t.equal(readFileSync(paths.bit, 'utf8'), '1\n', 'the answer writes it');
    t.equal(shown(''), '', 'on its way');
    t.equal(shown(''), '1', 'it never came');
    t.equal(shown('junk'), '1');
  },
);
