import fc from 'fast-check';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { parseDocument, parseFrame } from '../../agent/update/parse.ts';
import { DOCUMENT_MAX_BYTES } from '../../agent/values/update.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const frame = (topic: string, payload = 'a.b.c') => ({ topic, payload: bytes(payload), retain: true });

t.test('where a message belongs', async (t) => {
  t.same(parseFrame(frame('fleet/v1/grp/canary/desired/aim/shadow'), 'fleet', sha256), {
    kind: 'document',
    jws: 'a.b.c',
    hash: sha256('a.b.c'),
    place: { address: 'grp/canary', config: 'aim', layer: 'shadow' },
  });
  t.same(parseFrame(frame('fleet/v1/all/desired/aim/base', ''), 'fleet', sha256), { kind: 'empty' });
  for (const topic of [
    'other/v1/all/desired/aim/base',
    'fleet/v2/all/desired/aim/base',
    'fleet/v1/all/desired/aim/top',
    'fleet/v1/all/desired/../base',
    'fleet/v1/all/desired/aim/base/more',
    'fleet/v1/dev/desired/aim/base',
    'fleet/v1//desired/aim/base',
    '',
  ]) {
    t.match(parseFrame(frame(topic), 'fleet', sha256), { kind: 'refusal', code: 'wrong-topic', final: true }, topic);
  }
  const strange = parseFrame(frame(`fleet/v1/all/desired/\u001b[2J\n${'x'.repeat(60_000)}/base`), 'fleet', sha256);
  t.match(strange, { reason: /^[\x20-\x7e…]{1,400}$/ });
});

t.test('the shape of a signed document', async (t) => {
  const parse = (text: string) => parseDocument(bytes(text), null, sha256);
  t.match(parse('  aA0_-.b.c \r\n'), { kind: 'document', jws: 'aA0_-.b.c', hash: sha256('aA0_-.b.c'), place: null });
  t.match(parse('a.b.'), { kind: 'document' }, 'an empty signature is for others to refuse');
  for (const text of [
    '',
    'a',
    'a.b',
    'a.b.c.d',
    '.b.c',
    'a..c',
    'a b.c.d',
    'a.b.c\na.b.c',
    '{"payload":1}',
    'ä.b.c',
    'a+.b.c',
  ])
    t.match(parse(text), { kind: 'refusal', code: 'malformed' }, text);
  const longest = `${'a'.repeat(DOCUMENT_MAX_BYTES - 4)}.b.c`;
  t.match(parse(longest), { kind: 'document' });
  t.match(parse(`${longest}c`), { kind: 'refusal', code: 'too-large' });
});

t.test('nothing that comes makes it throw', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.uint8Array(), (topic, payload) => {
      const kinds = ['document', 'empty', 'refusal'];
      return kinds.includes(parseFrame({ topic: `fleet/v1/${topic}`, payload, retain: false }, 'fleet', sha256).kind);
    }),
  );
});
