import { join } from 'node:path';
import t from 'tap';
import { fly } from '../fixtures/bound-flights.ts';
import { bundle, type Mutation } from '../fixtures/bundle.ts';
import { openProof } from '../fixtures/proof.ts';

// Circles, hovers, racing lines and jumps, with noise, gaps, points that come twice and autopilots that start anew, all over the globe:
// what was sent is decoded, and is within the bound of every point that came in.

const proof = openProof(t);
t.setTimeout(proof.full ? 3_600_000 : 120_000);
const seed = () => proof.below(2 ** 31);

t.test('every input point is within a metre of what was sent', async (t) => {
  const found = fly(seed(), proof.rounds(50, 4_000));
  t.match(found, { outside: 0, miscounted: 0 }, JSON.stringify(found));
  t.ok(found.worstM <= 1 && found.worstM > 0.95, `${found.worstM} m: within the bound, which is used`);
  t.ok(found.sent < found.points / 2, `${found.sent} points sent for ${found.points}`);
  t.ok(found.gaps > 0 && found.restarts > 0);
  proof.figure('flights', found.flights, '1');
  proof.figure('input-points', found.points, '1');
  proof.figure('points-sent', found.sent, '1');
  proof.figure('gaps', found.gaps, '1');
  proof.figure('restarts', found.restarts, '1');
  proof.figure('worst-error', Math.round(found.worstM * 10_000) / 10_000, 'm');
  proof.figure('points-outside', found.outside, '1');
});

t.test('and within any other bound', async (t) => {
  for (const boundM of [0.1, 0.5, 10]) {
    const found = fly(seed(), proof.rounds(10, 400), boundM);
    t.match(found, { outside: 0, miscounted: 0 }, JSON.stringify(found));
    proof.figure(`worst-error-at-${boundM}-m`, Math.round(found.worstM * 10_000) / 10_000, 'm');
  }
});

const WINDOW = 'agent/telemetry/track-window.ts';
const TRACK = 'agent/telemetry/track.ts';
const FAULTS: Readonly<Record<string, readonly Mutation[]>> = {
  'a bound of 1.2 m': [{ file: TRACK, from: 'errorM - NUMBERS_M', to: '1.2 * errorM' }],
  'rounding behind the bound': [
    { file: WINDOW, from: 'const COARSE = { degree: 1e6, metre: 10 }', to: 'const COARSE = { degree: 1e6, metre: 1 }' },
    { file: WINDOW, from: 'furthest(from, end, all)', to: 'furthest(from, to, all)' },
  ],
  'a thinner that does not look at the time': [
    {
      file: WINDOW,
      from: 'const part = (point[3] - a[3]) / (b[3] - a[3]);',
      to: `const [x, y] = [(b[0] - a[0]) * lonM, (b[1] - a[1]) * DEGREE_M];
        const along = (point[0] - a[0]) * lonM * x + (point[1] - a[1]) * DEGREE_M * y;
        const part = Math.max(0, Math.min(1, along / (x * x + y * y || 1)));`,
    },
  ],
  'a thinner that does not look at the height': [
    { file: WINDOW, from: 'east * east + north * north + up * up', to: 'east * east + north * north + 0 * up' },
  ],
  'another life taken for late points': [{ file: TRACK, from: 'passed >= -LATE_MAX_MS', to: 'passed >= -1e15' }],
};

for (const [name, faults] of Object.entries(FAULTS)) {
  t.test(`the same finds ${name}`, async (t) => {
    const program = await bundle(join(import.meta.dirname, '..', 'fixtures', 'bound-flights.ts'), faults);
    const faulty: { readonly fly: typeof fly } = await import(program);
    let outside = 0;
    let days = 0;
    for (; outside === 0 && days < 100; days += 2) outside = faulty.fly(seed(), 2).outside;
    t.ok(outside > 0, `${outside} points outside within ${days} flights`);
  });
}
