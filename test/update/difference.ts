import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { lineHunks } from '../../agent/host/line-diff.ts';
import { differences } from '../../agent/update/difference.ts';

const file = (name: string, text: string | null) => ({ name, bytes: text === null ? null : Buffer.from(text) });
const tools = { sha256, hunks: lineHunks, mayShow: () => true };
const facts = (text: string) => ({ digest: `sha256:${sha256(text)}`, bytes: Buffer.byteLength(text) });

t.test('only what differs, by name, with what may be told of any content', async (t) => {
  const before = [file('b', 'b\n'), file('a', 'a\n'), file('gone', 'x')];
  const after = [file('a', 'A\n'), file('b', 'b\n'), file('gone', null), file('new', '')];
  t.match(differences(before, after, tools), [
    {
      name: 'a',
      before: facts('a\n'),
      after: facts('A\n'),
      shown: { kind: 'lines', hunks: [{ lines: ['-a', '+A'] }] },
    },
    { name: 'gone', before: facts('x'), after: null, shown: { kind: 'lines' } },
    { name: 'new', before: null, after: facts(''), shown: { kind: 'lines', hunks: [] } },
  ]);
  t.same(differences(after, after, tools), []);
});

t.test('what is not shown: no text, too much, or not for everybody', async (t) => {
  const kind = (before: Uint8Array, after: Uint8Array, more = {}) =>
    differences([{ name: 'a', bytes: before }], [{ name: 'a', bytes: after }], { ...tools, ...more })[0]?.shown.kind;
  const [text, nul, latin1] = [Buffer.from('a'), Buffer.from([97, 0]), Buffer.from([0xe4, 10])];
  t.equal(kind(text, nul), 'binary');
  t.equal(kind(latin1, text), 'binary', 'what it says in another encoding nobody can know');
  t.equal(kind(text, Buffer.from('b'), { hunks: () => null }), 'large');
  t.equal(kind(text, Buffer.from('b'), { mayShow: () => false }), 'hidden');
  t.equal(kind(nul, text, { mayShow: () => false }), 'hidden');
});
