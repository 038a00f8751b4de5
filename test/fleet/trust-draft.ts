import t from 'tap';
import { composeTrust, draftText, readDraft, readKeysOf } from '../../agent/fleet/trust-draft.ts';

const X = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
const key = (kid: string, more: object = {}) => ({ kty: 'OKP', crv: 'Ed25519', kid, x: X, ...more });
const ROOT = key('r', { role: 'root' });
const WISH = { keys: [ROOT, key('a')], add: [], remove: [], version: 3, address: 'all', note: undefined } as const;

t.test('keys come and go; what stands in an entry stays', async (t) => {
  const narrow = key('b', { may: { configs: ['aim'] } });
  const text = composeTrust({ ...WISH, add: [narrow, key('a', { exp: 99 })], note: 'spring' });
  const { document, keys, jws } = readDraft(text, 'draft');
  t.match(document, { version: 3, aud: 'all', note: 'spring' });
  t.same(keys, [ROOT, narrow, key('a', { exp: 99 })]);
  t.same(jws.signatures, []);
  t.same(readDraft(composeTrust({ ...WISH, remove: ['a'] }), 'draft').keys, [ROOT]);
  t.same(readKeysOf(text, 'draft'), { keys, version: 3 });
  t.same(readKeysOf(JSON.stringify({ keys: [ROOT] }), 'keys.json'), { keys: [ROOT], version: 0 });
  t.equal(draftText(jws.payload, []), text);
});

t.test('what devices would refuse is not even written', async (t) => {
  const why = (change: object) => {
    try {
      return composeTrust({ ...WISH, ...change });
    } catch (error) {
      return error;
    }
  };
  t.match(why({ keys: [key('a')] }), { exit: 2, message: /no root key is in it/ });
  t.match(why({ remove: ['z'] }), { exit: 2, message: /--remove: no key 'z' is in it/ });
  t.match(why({ remove: ['r'] }), { message: /no root key/ });
  t.match(why({ add: [key('b', { d: X })] }), { message: /keys\[2\]\.d: a private key/ });
  t.match(why({ add: [key('b', { rol: 'root' })] }), { message: /unknown-field/ });
  for (const text of [
    'junk',
    '{}',
    '{"payload":"e30","signatures":[]}',
    '{"payload":"W10","signatures":[]}',
    '{"payload":"AAA","signatures":[]}',
  ]) {
    t.throws(() => readDraft(text, 'draft'), { exit: 2, message: /^draft: / }, text);
  }
});
