import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { configDigest } from '../../agent/values/digest.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const digestOf = (content: Uint8Array, hash: typeof sha256) => `sha256:${hash(content)}`;

t.test('the digest of a config is the one the tools of every shell give', async (t) => {
  const dir = t.testdir();
  const sets: readonly (readonly string[])[] = [
    ['aim.conf'],
    ['b.conf', 'a.conf'],
    ['A', 'a', 'B', '_', '1', 'é', 'two words'],
    ['back\\slash', 'plain'],
  ];
  for (const names of sets) {
    for (const name of names) writeFileSync(join(dir, name), `content of ${name}\n`);
    const files = names.map((name) => ({ name, digest: digestOf(bytes(`content of ${name}\n`), sha256) }));
    const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const printed = execFileSync('sha256sum', names.length === 1 ? names : sorted, { cwd: dir });
    const expected = names.length === 1 ? printed.toString().split(' ')[0] : sha256(printed);
    t.equal(configDigest(files, sha256), `sha256:${expected}`, names.join());
    t.equal(configDigest([...files].reverse(), sha256), `sha256:${expected}`, 'in any order');
    for (const name of names) rmSync(join(dir, name));
  }
});

t.test('absent files are left out, and still it is not the digest of the one that is there', async (t) => {
  const digest = digestOf(bytes('x'), sha256);
  const line = sha256(`${digest.slice(7)}  a\n`);
  t.equal(
    configDigest(
      [
        { name: 'a', digest },
        { name: 'b', digest: null },
      ],
      sha256,
    ),
    `sha256:${line}`,
  );
  t.equal(configDigest([{ name: 'a', digest: null }], sha256), `sha256:${sha256('')}`);
});
