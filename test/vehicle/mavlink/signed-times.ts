import t from 'tap';
import { createSignedTimes, signedRecord, signedTimeOf } from '../../../agent/vehicle/mavlink/signed-times.ts';

t.test('what was heard is there after a replay and after a snapshot, the newest of each sender', async (t) => {
  const first = createSignedTimes();
  t.same(first.snapshot(), []);
  first.fold(signedRecord('k', new Map([['1 1 1', 5]])));
  first.fold(
    signedRecord(
      'k',
      new Map([
        ['1 1 1', 4],
        ['1 1 2', 9],
      ]),
    ),
  );
  const second = createSignedTimes();
  for (const record of JSON.parse(JSON.stringify(first.snapshot()))) second.fold(record);
  t.same(
    [...second.of('k')],
    [
      ['1 1 1', 5],
      ['1 1 2', 9],
    ],
  );
  second.of('k').set('1 1 1', 7);
  t.same(second.of('k').get('1 1 1'), 7);
  t.same([...second.of('another key')], []);
  t.same(second.snapshot(), []);
});

t.test('a time far ahead of a clock that can be trusted is not put on record', async (t) => {
  const nowMs = Date.UTC(2026, 0, 1);
  const [soon, far] = [600_000, 601_000].map((aheadMs) => signedTimeOf(nowMs + aheadMs));
  for (const [wallMs, count] of [
    [nowMs, 1],
    [null, 2],
  ] as const) {
    const memory = createSignedTimes(() => wallMs);
    memory
      .of('k')
      .set('1 1 1', soon ?? 0)
      .set('1 1 2', far ?? 0);
    const again = createSignedTimes();
    for (const record of memory.snapshot()) again.fold(record);
    t.equal(again.of('k').size, count);
    t.equal(memory.of('k').size, 2);
  }
});

t.test('what is no record of it changes nothing', async (t) => {
  const memory = createSignedTimes();
  memory.of('k').set('1 1 1', 7);
  for (const bad of [{}, { key: 1 }, { key: 'k' }, { key: 'k', times: [1, ['x'], ['x', 'y'], [3, 4]] }])
    memory.fold({ t: 'signed', ...bad });
  t.same([...memory.of('k')], [['1 1 1', 7]]);
});
