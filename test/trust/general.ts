import t from 'tap';
import { readGeneral } from '../../agent/trust/general.ts';

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
const head = (kid: string, more: object = {}) => encode({ alg: 'EdDSA', typ: 'locksmith-trust+jwt', kid, ...more });
const SIG = `${'A'.repeat(85)}A`;
const by = (kid: string, more: object = {}) => ({ protected: head(kid, more), signature: SIG });
const RIGHT = { payload: encode({ v: 1 }), signatures: [by('r1'), by('r2')] };

t.test('one payload, several signatures', async (t) => {
  const read = readGeneral(JSON.stringify(RIGHT), 'trust');
  t.match(read, {
    kind: 'general',
    payload: RIGHT.payload,
    signatures: [{ kid: 'r1' }, { kid: 'r2', signature: SIG }],
  });
  t.match(readGeneral(JSON.stringify({ ...RIGHT, signatures: [] }), 'trust', true), {
    kind: 'general',
    signatures: [],
  });
});

t.test('the form is taken strictly', async (t) => {
  const said = (change: object | string) => {
    const text = typeof change === 'string' ? change : JSON.stringify({ ...RIGHT, ...change });
    const read = readGeneral(text, 'trust');
    return read.kind === 'refusal' ? `${read.code}: ${read.reason}` : 'taken';
  };
  t.match(said(`${head('r1')}.${RIGHT.payload}.${SIG}`), /^malformed: not JSON.*general JSON form/, 'compact');
  t.match(said('[]'), /^malformed: not a JWS/);
  t.match(said('{"payload":"e30","payload":"e30","signatures":[]}'), /^malformed: .*twice/);
  t.match(said({ protected: head('r1'), signature: SIG }), /^unknown-field: protected/, 'flattened');
  t.match(said({ header: {} }), /^unknown-field: header/);
  for (const payload of ['', 7, 'e30=', undefined]) t.match(said({ payload }), /^malformed: payload/, String(payload));
  for (const signatures of [{}, [], Array.from({ length: 17 }, (_, n) => by(`r${n}`))]) {
    t.match(said({ signatures }), /^malformed: signatures: /);
  }
  t.match(said({ signatures: [by('r1'), by('r1')] }), /^malformed: signatures\[1\]: 'r1' has signed twice/);
  t.match(said({ signatures: [7] }), /^malformed: signatures\[0\]: expected an object/);
  t.match(
    said({ signatures: [{ ...by('r1'), header: { kid: 'r2' } }] }),
    /^malformed: signatures\[0\]: header: what is not/,
  );
  t.match(said({ signatures: [{ ...by('r1'), more: 1 }] }), /^unknown-field: signatures\[0\]: more/);
  t.match(said({ signatures: [{ protected: head('r1') }] }), /^malformed: signatures\[0\]: expected/);
  t.match(said({ signatures: [{ ...by('r1'), signature: SIG.slice(1) }] }), /^bad-signature: signatures\[0\]/);
  t.match(said({ signatures: [by('r1', { typ: 'locksmith-update+jwt' })] }), /^bad-type: signatures\[0\]/);
  t.match(said({ signatures: [by('r1', { alg: 'none' })] }), /^bad-algorithm: signatures\[0\]/);
  t.match(said({ signatures: [by('r1', { crit: ['exp'] })] }), /^malformed: signatures\[0\]: header: crit/);
  t.match(said(' '.repeat(128 * 1024 + 1)), /^too-large/);
});
