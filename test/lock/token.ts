import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostFiles } from '../../agent/host/files.ts';
import { openTokens, TOKEN_BLOCK } from '../../agent/lock/token.ts';

const fresh = (dir: string) => {
  const path = `${dir}/locks/aim.token`;
  return { path, tokens: openTokens(hostFiles(), path) };
};

t.test('tokens are set aside in durable blocks', async (t) => {
  const { path, tokens } = fresh(t.testdir({ locks: {} }));
  t.equal(tokens.last(), 0);
  t.equal(tokens.covers(1), false);
  await tokens.reserve(1);
  t.equal(readFileSync(path, 'utf8'), `${TOKEN_BLOCK}\n`);
  t.strictSame([tokens.covers(1), tokens.covers(TOKEN_BLOCK), tokens.covers(TOKEN_BLOCK + 1)], [true, true, false]);
  const other = openTokens(hostFiles(), path);
  await other.reserve(TOKEN_BLOCK + 1);
  t.equal(tokens.covers(2 * TOKEN_BLOCK), true, 'what another process set aside counts');
  await tokens.reserve(5);
  t.ok(tokens.last() >= 2 * TOKEN_BLOCK, 'the ceiling never falls');
});

t.test('a ceiling that is no number is a failure unless a record knows better', async (t) => {
  for (const text of ['', 'x', '-3', '1e9', '9'.repeat(40)]) {
    const { path, tokens } = fresh(t.testdir({ locks: {} }));
    writeFileSync(path, text);
    t.throws(() => tokens.last(), { code: 'io', path });
    t.equal(tokens.covers(3), false);
    await tokens.reserve(41);
    t.equal(tokens.last(), 41 + TOKEN_BLOCK - 1);
  }
});
