import t from 'tap';
import { sayGivenUp, sayWaiting } from '../../agent/values/backlog.ts';

const waiting = (count: number, telemetry: number | null) => ({
  ...{ count, bytes: count * 300 },
  telemetry: telemetry === null ? null : { count: telemetry, bytes: telemetry * 200 },
});

t.test('without a link all that waits is said', async (t) => {
  for (const [count, telemetry, words] of [
    [0, 0, null],
    [0, null, null],
    [1, null, '1 report waits for the broker'],
    [8, 0, '8 reports wait for the broker'],
    [0, 1, '1 message of telemetry waits for the broker'],
    [1, 1, '1 report and 1 message of telemetry wait for the broker'],
    [8, 37_012, '8 reports and 37012 messages of telemetry wait for the broker'],
    [0, 12, '12 messages of telemetry wait for the broker'],
  ] as const)
    t.equal(sayWaiting(waiting(count, telemetry), false), words);
});

t.test('with a link only what takes a while', async (t) => {
  t.equal(sayWaiting(waiting(3, 25), true), null);
  t.equal(sayWaiting(waiting(3, 36_000), true), '36000 messages of telemetry wait for the broker');
});

t.test('what was given up', async (t) => {
  t.equal(sayGivenUp({ track: 0, position: 0, hb: 0 }), null);
  t.equal(sayGivenUp({ track: 0, position: 4, hb: 2 }), 'telemetry, too much or too old: 4 of position, 2 of hb');
});
