import t from 'tap';
import {
  asAddress,
  asFields,
  asId,
  asName,
  asText,
  asTime,
  asTrue,
  asVersionOne,
  asWhole,
  asWords,
  checkKeys,
  checkNeeded,
  malformed,
  readOrRefuse,
  wrong,
} from '../../agent/values/fields.ts';

/** What a reader makes of a value: the value, or the refusal as one line. */
function said(read: () => unknown): unknown {
  const found = readOrRefuse(read);
  return typeof found === 'object' && found !== null && 'code' in found && 'reason' in found
    ? `${found.code}: ${found.reason}`
    : found;
}

t.test('what is right comes through, what is wrong is a refusal with its path', async (t) => {
  t.equal(
    said(() => asId('a.b_c:1-Z', 'id')),
    'a.b_c:1-Z',
  );
  t.match(
    said(() => asId('a b', 'id')),
    /^malformed: id: expected an id/,
  );
  t.equal(
    said(() => asName('drone-7', 'config')),
    'drone-7',
  );
  t.equal(
    said(() => asName('../x', 'config')),
    'malformed: config: expected a name',
  );
  t.equal(
    said(() => asAddress('grp/canary', 'aud')),
    'grp/canary',
  );
  t.match(
    said(() => asAddress('canary', 'aud')),
    /^malformed: aud: /,
  );
  t.equal(
    said(() => asTime(1, 'iat')),
    1,
  );
  for (const time of [0, 1.5, '7', 253_402_300_800, null])
    t.match(
      said(() => asTime(time, 'iat')),
      /^malformed: iat: /,
    );
  t.equal(
    said(() => asTrue(true, 'lift')),
    true,
  );
  t.match(
    said(() => asTrue(false, 'lift')),
    /^malformed: lift: /,
  );
  t.equal(
    said(() => asText('\u0007', 'note', 1)),
    '\u0007',
    'any text, as it is not for a log',
  );
  t.match(
    said(() => asText('ab', 'note', 1)),
    /longer than 1 characters/,
  );
  t.equal(
    said(() => asWords('stale since noon', 'reason', 256)),
    'stale since noon',
  );
  for (const words of ['', ' ', '\u001b[2J', 'x'.repeat(257), 7]) {
    t.match(
      said(() => asWords(words, 'reason', 256)),
      /^malformed: reason: /,
    );
  }
});

t.test('whole numbers, both bounds included', async (t) => {
  t.equal(
    said(() => asWhole(0, 'token', 0)),
    0,
  );
  t.equal(
    said(() => asWhole(9, 'n', 1, 9)),
    9,
  );
  t.equal(
    said(() => asWhole(10, 'n', 1, 9)),
    'malformed: n: expected a whole number from 1 to 9',
  );
  t.equal(
    said(() => asWhole(-1, 'token', 0)),
    'malformed: token: expected a whole number from 0',
  );
  t.match(
    said(() => asWhole(2 ** 53, 'token', 0)),
    /^malformed/,
  );
});

t.test('objects, their version and their members', async (t) => {
  for (const value of [null, [], 'x', 7]) {
    t.equal(
      said(() => asFields(value, 'expect')),
      'malformed: expect: expected an object',
    );
  }
  t.match(
    said(() => asVersionOne({ v: 1, id: 'x' })),
    { v: 1, id: 'x' },
  );
  t.equal(
    said(() => asVersionOne([])),
    'malformed: document: expected an object',
  );
  t.equal(
    said(() => asVersionOne({ v: '1' })),
    'malformed: v: expected 1',
  );
  t.equal(
    said(() => asVersionOne({ v: 2 })),
    'unsupported-format: v: 2, this agent reads 1',
  );
  t.equal(
    said(() => checkKeys({ a: 1 }, ['a'], 'a halt')),
    undefined,
  );
  t.equal(
    said(() => checkKeys({ b: 1 }, ['a'], 'a halt', 'x.')),
    'unknown-field: x.b: not a field of a halt',
  );
  const sly = said(() => checkKeys({ ['\u001b[2J'.repeat(99)]: 1 }, [], 'a halt'));
  t.ok(typeof sly === 'string' && !sly.includes('\u001b') && sly.length < 600, 'a name cannot move a cursor');
  t.equal(
    said(() => checkNeeded({ a: 1 }, ['a', 'b'])),
    'malformed: b: is missing',
  );
  t.equal(
    said(() => checkNeeded(Object.create({ a: 1 }), ['a'])),
    'malformed: a: is missing',
  );
});

t.test('only refusals are caught', async (t) => {
  t.equal(
    said(() => wrong('incomplete', 'files: x')),
    'incomplete: files: x',
  );
  t.equal(
    said(() => malformed('x', 'y')),
    'malformed: x: y',
  );
  t.throws(() => readOrRefuse(() => JSON.parse('{')), SyntaxError);
});
