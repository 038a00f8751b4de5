import t from 'tap';
import { isLifted, parseHalt, sayHalted } from '../../agent/values/halt.ts';

const RIGHT = { v: 1, id: 'h-1', aud: 'grp/canary', version: 3, iat: 1_795_298_400 };

t.test('what a halt says is read back', async (t) => {
  for (const more of [
    {},
    { exp: 1_795_300_000, note: 'gimbals turn' },
    { rollout: 'spring' },
    { configs: ['aim', 'radio'] },
    { lift: true },
  ]) {
    t.same(parseHalt({ ...RIGHT, ...more }), { ...RIGHT, ...more });
  }
  t.same(
    [sayHalted({}), sayHalted({ rollout: 'spring' }), sayHalted({ configs: ['aim', 'radio'] })],
    ['all updates', 'roll-out spring', 'updates of aim, radio'],
  );
});

t.test('what is wrong is named with its place', async (t) => {
  const said = (change: object) => {
    const read = parseHalt({ ...RIGHT, ...change });
    return 'kind' in read ? `${read.code}: ${read.reason}` : 'taken';
  };
  for (const payload of [null, [], 7, 'x']) t.match(parseHalt(payload), { code: 'malformed' });
  t.match(said({ v: '1' }), /^malformed: v: /);
  t.match(said({ v: 2 }), /^unsupported-format: v: 2/);
  t.match(said({ lifted: true }), /^unknown-field: lifted/);
  const { id: _, ...nameless } = RIGHT;
  t.match(parseHalt(nameless), { code: 'malformed', reason: 'id: is missing' });
  for (const [member, values] of Object.entries({
    id: ['', 'a b', 7],
    aud: ['canary', 7],
    version: [0, 1.5, '3'],
    iat: [0, 'now'],
    exp: [0, 253_402_300_800],
    rollout: ['a b', 7],
    configs: [[], 'aim', ['a.b'], ['aim', 7], Array.from({ length: 257 }, () => 'aim')],
    lift: [false, 1],
    note: [7, 'x'.repeat(257), 'a\u001b[2J'],
  })) {
    for (const value of values)
      t.match(said({ [member]: value }), new RegExp(`^malformed: ${member}(\\[\\d\\])?: `), `${member} ${value}`);
  }
  t.match(said({ rollout: 'spring', configs: ['aim'] }), /^malformed: configs: /);
});

t.test('what holds nothing any more', async (t) => {
  const table: readonly (readonly [object, boolean])[] = [
    [{}, false],
    [{ exp: 1001 }, false],
    [{ exp: 1000 }, true],
    [{ lift: true, exp: 1001 }, true],
  ];
  for (const [halt, over] of table) t.equal(isLifted(halt, 1000), over, JSON.stringify(halt));
});
