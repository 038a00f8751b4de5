import fc from 'fast-check';
import t from 'tap';
import { parseStrictJson } from '../../agent/values/json.ts';

const why = (text: string) => {
  const result = parseStrictJson(text);
  return result.kind === 'fault' ? result.why : null;
};

t.test('what JSON.parse takes and we do not', async (t) => {
  t.match(why('{"a":1,"a":2}'), "the key 'a' twice");
  t.match(why('{"a":1,"\\u0061":2}'), "the key 'a' twice", 'however it is spelt');
  t.match(why('{"x":[{"a":1,"b":{},"a":2}]}'), "the key 'a' twice");
  t.match(why('{"__proto__":1}'), 'the key __proto__');
  t.match(why('{"__pro\\u0074o__":1}'), 'the key __proto__');
  t.match(why('['.repeat(33) + ']'.repeat(33)), 'nested deeper than 32');
  t.match(why('['.repeat(100_000) + ']'.repeat(100_000)), 'nested deeper than 32');
  t.equal(why('{'), 'not JSON: line 1, column 2');
  t.equal(why('{"password": hunter2}'), 'not JSON: line 1, column 14', 'what stands there is not repeated');
});

t.test('what only looks like it', async (t) => {
  t.equal(why('{"a":"a","b":["a","a"],"c":{"a":1}}'), null);
  t.equal(why('[{"a":1},{"a":1}]'), null);
  t.equal(why('{"a":"{\\"a\\":1,\\\\","b":"\\"__proto__\\":"}'), null);
  t.equal(why('{"a":"\\",\\"a\\":1"}'), null);
  t.equal(why('["__proto__"]'), null);
  t.equal(why('{"a" \n\t: {"b" : 1}}'), null);
  t.equal(why('['.repeat(32) + ']'.repeat(32)), null);
});

t.test('every JSON value of reasonable depth is read as JSON.parse reads it', async () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      const result = parseStrictJson(text);
      if (text.includes('__proto__')) return true;
      return result.kind === 'json' && JSON.stringify(result.value) === JSON.stringify(JSON.parse(text));
    }),
  );
});
