import t from 'tap';
import { openMovement } from '../../agent/telemetry/movement.ts';
import { sampleAt, WAYS } from '../fixtures/flights.ts';

t.test('at rest a receiver wanders; under way it moves; a minute in one place is rest again', async (t) => {
  const movement = openMovement(false);
  const rest = WAYS.hover(2);
  const drive = WAYS.race(8, 500);
  const states: boolean[] = [];
  for (let s = 0; s < 600; s += 1) {
    const way = s < 200 ? rest : s < 300 ? drive : () => drive(300);
    states.push(movement.add(sampleAt(way, s * 1000)));
  }
  t.ok(
    states.slice(0, 200).every((moving) => !moving),
    'rests',
  );
  t.equal(states.indexOf(true) < 205, true, 'moves at once');
  const last = states.lastIndexOf(true);
  t.ok(last >= 300 && last <= 362, `rests from ${last} s on`);
  t.equal(states.slice(states.indexOf(true), last).every(Boolean), true, 'one way, not many');
});

t.test('a receiver that knows that it is off is not believed to move', async (t) => {
  const movement = openMovement(false);
  const poor = { ...sampleAt(WAYS.race(8, 500), 0), accuracyM: 40 };
  movement.add(poor);
  t.notOk(movement.add({ ...poor, bootMs: 1000, latDeg: poor.latDeg + 0.0005 }), '55 m at 40 m');
  t.ok(movement.add({ ...poor, bootMs: 2000, latDeg: poor.latDeg + 0.002 }));
});

t.test('what was under way is so until it has rested for a minute', async (t) => {
  const movement = openMovement(true);
  const states = Array.from({ length: 62 }, (_, s) => movement.add(sampleAt(WAYS.hover(1), s * 1000)));
  t.equal(states.indexOf(false), 60);
});
