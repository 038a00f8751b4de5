import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { bytesOf, configDigest, digestOf, filesOf, remoteOf, updateDigest } from '../../agent/update/content.ts';
import { signedForm, update, updateFile } from '../fixtures/update.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

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

t.test('what an update carries comes out byte by byte', async (t) => {
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  const binary = { ...updateFile('b', ''), encoding: 'base64', content: Buffer.from(all).toString('base64') } as const;
  t.same(bytesOf(binary), all);
  const text = updateFile('a', '\ufeffZielführung 🎯\r\n\u0000');
  t.same(bytesOf(text), bytes('\ufeffZielführung 🎯\r\n\u0000'));
  const document = update({ files: [text, binary] });
  t.same(filesOf(signedForm(document)), document.files);
  t.equal(updateDigest(document, sha256), configDigest([text, binary], sha256));
  const less = update({ files: [text, { name: 'gone', absent: true }] });
  t.same(filesOf(signedForm(less)), less.files);
  t.equal(updateDigest(less, sha256), configDigest([text, { name: 'gone', digest: null }], sha256));
  t.equal(updateDigest(update({ withdraw: true }), sha256), null);
  t.throws(() => filesOf('a.bm8.c'));
  const remote = { name: 'far', digest: digestOf(all, sha256), url: 'https://host/far', size: 256 };
  t.same(remoteOf([text, remote, { name: 'gone', absent: true }]), [remote]);
  t.equal(updateDigest(update({ files: [text, remote] }), sha256), configDigest([text, remote], sha256));
});
