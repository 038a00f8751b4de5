import { readFileSync } from 'node:fs';
import t from 'tap';
import { errnoOf, failureOf } from '../../agent/values/errno.ts';
import { Failure } from '../../agent/values/errors.ts';

const systemError = (code: string) => Object.assign(new Error(code), { code });

t.test('each errno a full, broken or forbidden disk gives has its code', async (t) => {
  const codes = {
    ENOSPC: 'disk-full',
    EDQUOT: 'disk-full',
    EROFS: 'read-only',
    EACCES: 'no-permission',
    EPERM: 'no-permission',
    ENOENT: 'missing-directory',
    ENOTDIR: 'missing-directory',
    ELOOP: 'unsafe-path',
    EIO: 'io',
    EMFILE: 'io',
  };
  for (const [errno, code] of Object.entries(codes)) {
    const failure = failureOf('commit.rename', '/etc/x', systemError(errno));
    t.match(failure, { code, op: 'commit.rename', path: '/etc/x', message: `/etc/x: commit.rename: ${errno}` });
    t.equal(failure.retry, code !== 'unsafe-path', `${errno}: may heal by itself`);
  }
});

t.test('Node has no name for a quota that is used up', async (t) => {
  for (const name of ['UNKNOWN', 'Unknown system error -122']) {
    const unnamed = Object.assign(systemError(name), { errno: -122 });
    t.match(failureOf('journal.append', '/state/journal', unnamed), { code: 'disk-full', message: /EDQUOT$/ }, name);
  }
  const other = Object.assign(systemError('UNKNOWN'), { errno: -4094 });
  t.match(failureOf('journal.append', '/state/journal', other), { code: 'io', message: /UNKNOWN$/ });
});

t.test('a failure stays the one it was', async (t) => {
  const failure = new Failure('io', 'a', 'b', 'c', { retry: true });
  t.equal(failureOf('x', 'y', failure), failure);
});

t.test('what is no system error is told as it is', async (t) => {
  t.equal(errnoOf('text'), null);
  t.equal(errnoOf(Object.assign(new Error('x'), { code: 7 })), null);
  t.match(failureOf('x', '/y', 'strange'), { code: 'io', message: '/y: x: strange' });
});

t.test("Node's own errors are understood", async (t) => {
  try {
    readFileSync('/nowhere/at/all');
    t.fail('there is such a file');
  } catch (error) {
    t.equal(errnoOf(error), 'ENOENT');
  }
});
