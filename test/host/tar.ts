import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { tarGz } from '../../agent/host/tar.ts';

t.test('tar(1) lists and reads it', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'a.tar.gz');
  const bytes = (text: string) => new TextEncoder().encode(text);
  const entries = [
    { name: 'd/empty', bytes: bytes('') },
    { name: 'd/one.txt', bytes: bytes('one\n') },
    { name: 'd/block', bytes: bytes('x'.repeat(512)) },
    { name: `d/${'n'.repeat(97)}`, bytes: bytes('y'.repeat(5000)) },
    { name: `${'d'.repeat(60)}/contents/${'c'.repeat(64)}/${'ä'.repeat(49)}`, bytes: bytes('long\n') },
    { name: `${'d'.repeat(90)}/${'e'.repeat(10)}`, bytes: bytes('parted\n') },
  ];
  writeFileSync(path, tarGz(entries, Date.UTC(2026, 0, 2, 3, 4, 5)));
  const tar = (...argv: readonly string[]) =>
    execFileSync('tar', argv, { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
  t.match(tar('-tvzf', path).split('\n'), [
    /^-rw------- 0\/0 +0 2026-01-02 03:04 d\/empty$/,
    / 4 2026.* d\/one\.txt$/,
    / 512 /,
    / 5000 .*n{97}$/,
  ]);
  for (const entry of entries) t.equal(tar('-xOzf', path, entry.name), new TextDecoder().decode(entry.bytes));
  for (const name of ['n'.repeat(100), `d/${'n'.repeat(100)}`, `${'d/'.repeat(100)}x`.repeat(2)])
    t.throws(() => tarGz([{ name, bytes: bytes('') }], 0), /longer than the name of a file can be/);
});
