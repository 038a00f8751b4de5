import t from 'tap';
import { createSignedTimes, signedRecord } from '../../../agent/vehicle/mavlink/signed-times.ts';

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

t.test('what is no record of it changes nothing', async (t) => {
  const memory = createSignedTimes();
  memory.of('k').set('1 1 1', 7);
  for (const bad of [{}, { key: 1 }, { key: 'k' }, { key: 'k', times: [1, ['x'], ['x', 'y'], [3, 4]] }])
    memory.fold({ t: 'signed', ...bad });
  t.same([...memory.of('k')], [['1 1 1', 7]]);
});
