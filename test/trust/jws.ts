import t from 'tap';
import { base64url, isBase64url, readHeader, readPayload } from '../../agent/trust/jws.ts';
import { DOCUMENT_TYPES } from '../../agent/values/update.ts';

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');

t.test('a header of one kind is none of another', async (t) => {
  const kinds = ['update', 'command', 'trust', 'halt', 'rollout'] as const;
  t.same(Object.keys(DOCUMENT_TYPES).sort(), [...kinds].sort());
  for (const made of kinds) {
    const head = encode({ alg: 'EdDSA', typ: DOCUMENT_TYPES[made], kid: 'k' });
    for (const read of kinds) {
      const expected = read === made ? { kind: 'header', kid: 'k' } : { code: 'bad-type' };
      t.match(readHeader(head, read), expected, `${made} read as ${read}`);
    }
  }
});

t.test('the id of a key is words without spaces', async (t) => {
  const head = (kid: unknown) => encode({ alg: 'EdDSA', typ: DOCUMENT_TYPES.trust, kid });
  for (const kid of ['', 'a b', 'ä', 7, null, 'x'.repeat(129)]) {
    t.match(readHeader(head(kid), 'trust'), { code: 'unknown-key' }, String(kid));
  }
});

t.test('base64url and payloads', async (t) => {
  t.ok(isBase64url('') && isBase64url('YQ') && isBase64url('_-A'));
  for (const text of ['YQ==', 'a', 'a+b/', 'a b', 'YQ\n']) t.notOk(isBase64url(text), text);
  t.same(base64url('YQ'), Buffer.from('a'));
  t.match(readPayload(Buffer.from('{"a":1}')), { kind: 'json', value: { a: 1 } });
  t.match(readPayload(Buffer.from('{"a":1,"a":2}')), { code: 'malformed', reason: /^payload: .*twice/ });
  t.match(readPayload(Uint8Array.of(0x22, 0xff, 0x22)), { code: 'malformed', reason: 'payload: not UTF-8' });
});
