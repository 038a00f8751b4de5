import t from 'tap';
import { knownKeysOf, sayFault, sayValue } from '../agent/settings-words.ts';

t.test('a value is said shortly', async (t) => {
  t.equal(sayValue('a'), "'a'");
  t.equal(sayValue(undefined), 'nothing');
  t.equal(sayValue([1]), 'a list');
  t.equal(sayValue({}), 'a mapping');
  t.equal(sayValue('x'.repeat(200)).length, 78);
});

t.test('the known keys are those of the schema at that place, also under patterns and lists', async (t) => {
  const known = knownKeysOf({ properties: { a: { items: { properties: { x: {}, y: {} } } } } });
  t.same(known('#/properties/a/items/additionalProperties'), ['x', 'y']);
  t.same(known('#/properties/none/additionalProperties'), []);
});

t.test('a fault that another one tells better says nothing; an unforeseen one says what ajv says', async (t) => {
  const fault = { instancePath: '/a~1b', schemaPath: '#', params: {} };
  t.equal(
    sayFault({ ...fault, keyword: 'propertyNames' }, {}, () => []),
    null,
  );
  t.match(
    sayFault({ ...fault, keyword: 'multipleOf', message: 'must be even' }, { 'a/b': 3 }, () => []),
    {
      path: ['a/b'],
      why: 'must be even, found 3',
    },
  );
});
