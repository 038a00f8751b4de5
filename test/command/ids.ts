import fc from 'fast-check';
import t from 'tap';
import { answeredRecord, createIds, type Ids, type TakenCommand } from '../../agent/command/ids.ts';
import { testJournal } from '../fixtures/journal.ts';

const command = (id: string, exp = 1000): TakenCommand => ({ id, exp, cmd: 'release', config: 'aim' });
function take(ids: Ids, taken: TakenCommand, nowS: number | null = null): void {
  for (const record of ids.take(taken, nowS)) ids.fold(record);
}
function again(ids: Ids): Ids {
  const fresh = createIds();
  for (const record of ids.snapshot()) fresh.fold(record);
  return fresh;
}
const stateOf = (ids: Ids) => ({ open: ids.open(), until: ids.forgottenUntilS(), snapshot: ids.snapshot() });

t.test('an id is used from the moment it is taken, and open until it is answered', async (t) => {
  const ids = createIds();
  t.equal(ids.used('a'), false);
  take(ids, command('a'));
  t.equal(ids.used('a'), true);
  t.strictSame(ids.open(), [command('a')]);
  ids.fold(answeredRecord('a'));
  t.strictSame(ids.open(), []);
  t.equal(ids.used('a'), true);
});

t.test('it outlives the process: on disk before anybody may act', async (t) => {
  const path = `${t.testdir()}/journal`;
  const first = testJournal(path).journal;
  const ids = createIds();
  await first.open([ids]);
  await first.append(ids.take(command('a'), 10));
  await first.append([...ids.take(command('b'), 10), answeredRecord('b')]);
  await first.close();
  const replayed = createIds();
  const second = testJournal(path).journal;
  await second.open([replayed]);
  await second.close();
  t.strictSame(stateOf(replayed), stateOf(ids));
  t.ok(replayed.used('a') && replayed.used('b'));
  t.strictSame(replayed.open(), [command('a')]);
});

t.test('forgotten only when over by a trusted clock; what is forgotten can never be new again', async (t) => {
  const ids = createIds();
  take(ids, command('a', 1000));
  take(ids, command('b', 2000), null);
  t.ok(ids.used('a'), 'no clock, nothing forgotten');
  take(ids, command('c', 3000), 1500);
  ids.fold(answeredRecord('a'));
  t.notOk(ids.used('a'));
  t.equal(ids.forgottenUntilS(), 1000, 'no further than what was forgotten: a clock gone ahead bars nothing new');
  t.ok(ids.used('b'));
  take(ids, command('d', 4000), 1);
  t.equal(ids.forgottenUntilS(), 1000, 'and never back');
});

t.test('an open one is owed its answer even when its id could go', async (t) => {
  const ids = createIds();
  take(ids, command('a', 1000));
  take(ids, command('b', 3000), 2000);
  t.strictSame(
    ids.open().map(({ id }) => id),
    ['a', 'b'],
  );
  t.strictSame(
    again(ids)
      .open()
      .map(({ id }) => id)
      .sort(),
    ['a', 'b'],
  );
});

t.test('never more than a thousand: then the first to end go', async (t) => {
  const ids = createIds();
  for (let n = 1; n <= 3000; n += 1) {
    take(ids, command(`c${n}`, 10_000 + n));
    ids.fold(answeredRecord(`c${n}`));
  }
  const left = ids.snapshot().filter(({ t: type }) => type === 'command-taken').length;
  t.ok(left <= 1000, `${left} left`);
  t.equal(ids.forgottenUntilS() + left, 13_000);
  t.ok(ids.used('c3000'));
});

t.test('written anew it means the same; used or forgotten, none is ever new', async () => {
  const step = fc.record({
    n: fc.nat(30),
    exp: fc.integer({ min: 1, max: 50 }),
    nowS: fc.option(fc.integer({ min: 1, max: 60 })),
    answered: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ids = createIds();
      const all: TakenCommand[] = [];
      for (const { n, exp, nowS, answered } of steps) {
        const one = command(`c${n}`, exp);
        if (ids.used(one.id) || exp <= ids.forgottenUntilS()) continue;
        take(ids, one, nowS);
        all.push(one);
        if (answered) ids.fold(answeredRecord(one.id));
      }
      const fresh = again(ids);
      const barred = (memory: Ids) => all.every(({ id, exp }) => memory.used(id) || exp <= memory.forgottenUntilS());
      return barred(ids) && barred(fresh) && fresh.forgottenUntilS() === ids.forgottenUntilS();
    }),
  );
});
