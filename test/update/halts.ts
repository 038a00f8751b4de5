import t from 'tap';
import {
  createHalts,
  type HeldHalt,
  haltOverRecord,
  haltRecord,
  haltsRevokedRecord,
  holds,
  isOver,
} from '../../agent/update/halts.ts';

const HALT: HeldHalt = {
  ...{ id: 'h', address: 'all', version: 1, hash: 'x', kid: 'a', exp: null, rollout: null, configs: null },
  ...{ lift: false, note: null, over: false },
};
const update = (rollout: string | null, config = 'aim') => ({ rollout, config });

t.test('whom a halt holds: its roll-out, else its configs, else all', async (t) => {
  const table: readonly (readonly [Partial<HeldHalt>, ReturnType<typeof update>, boolean])[] = [
    [{}, update(null), true],
    [{}, update('spring'), true],
    [{ rollout: 'spring' }, update('spring'), true],
    [{ rollout: 'spring' }, update('autumn'), false],
    [{ rollout: 'spring' }, update(null), false],
    [{ configs: ['aim'] }, update(null), true],
    [{ configs: ['aim'] }, update('spring', 'radio'), false],
  ];
  for (const [halt, what, held] of table)
    t.equal(holds({ ...HALT, ...halt }, what), held, JSON.stringify([halt, what]));
});

t.test('only a clock that can be trusted ends one', async (t) => {
  const halt = { ...HALT, exp: 100 };
  t.ok(isOver(halt, { nowS: 100, clock: 'ok' }));
  t.notOk(isOver(halt, { nowS: 99, clock: 'ok' }));
  t.notOk(isOver(halt, { nowS: 999, clock: 'untrusted' }));
  t.ok(isOver({ ...halt, over: true }, { nowS: 0, clock: 'untrusted' }), 'what was told stays so');
  t.notOk(isOver(HALT, { nowS: 1e9, clock: 'ok' }));
});

t.test('the newest of an address counts; without a key the others still stand, also through a restart', async (t) => {
  const halts = createHalts();
  t.same([halts.newest('all'), halts.inForce(['all']), halts.snapshot()], [null, [], []]);
  halts.fold(haltRecord(HALT));
  halts.fold(haltRecord({ ...HALT, kid: 'thief', version: 9, lift: true, hash: 'y' }));
  halts.fold(haltRecord({ ...HALT, address: 'grp/x', version: 2, hash: 'z' }));
  halts.fold({ t: 'other' });
  t.equal(halts.newest('all')?.version, 9);
  t.match(halts.inForce(['all', 'grp/x']), [{ address: 'grp/x' }], 'lifted');
  t.ok(halts.knows('y') && !halts.knows('w'));
  halts.fold(haltsRevokedRecord(['thief']));
  t.match(
    halts.inForce(['all', 'grp/x']),
    [{ address: 'all', version: 1 }, { address: 'grp/x' }],
    'the thief lifted nothing',
  );
  halts.fold(haltOverRecord(HALT));
  halts.fold(haltOverRecord({ ...HALT, kid: 'nobody' }));
  const again = createHalts();
  for (const record of halts.snapshot()) again.fold(JSON.parse(JSON.stringify(record)));
  for (const one of [halts, again]) t.match(one.inForce(['all', 'grp/x']), [{ address: 'grp/x' }]);
  t.same(again.newest('all'), { ...HALT, over: true });
});
