import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { bytesOf, digestOf, filesOf, remoteOf, updateDigest } from '../../agent/update/content.ts';
import { configDigest } from '../../agent/values/digest.ts';
import { signedForm, update, updateFile } from '../fixtures/update.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

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
