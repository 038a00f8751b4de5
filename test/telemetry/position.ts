import t from 'tap';
import { openPositions, positionOf, turnDps } from '../../agent/telemetry/position.ts';
import { errorM, sampleAt, samplesOf, WAYS } from '../fixtures/flights.ts';

const NOTHING = { fix: null, battery: null, flight: null };
const SAMPLE = {
  ...{ bootMs: 1000, unixMs: 1_795_298_400_123.4, latDeg: 47.39774191, lonDeg: 8.5455938, altM: 488.126 },
  ...{ velocity: { northMps: 0, eastMps: -12, downMps: 0.2 }, headingDeg: 271.26, accuracyM: 1.6 },
};

t.test('what OwnTracks reads, and the exact values with their units', async (t) => {
  t.same(
    positionOf(SAMPLE, { fix: { kind: '3d', satellites: 14 }, battery: { percent: 81.4, volts: 15.8 }, flight: 'f1' }),
    {
      ...{ _type: 'location', lat: 47.397742, lon: 8.545594, alt: 488, vel: 43, cog: 270, acc: 2, batt: 81 },
      ...{ tst: 1_795_298_400, unix_ms: 1_795_298_400_123, alt_m: 488.1, velocity_mps: [0, -12, 0.2] },
      ...{ heading_deg: 271.3, fix: '3d', satellites: 14, flight: 'f1' },
    },
  );
});

t.test('what is not known is absent; what stands has no course', async (t) => {
  const bare = positionOf({ ...SAMPLE, velocity: null, headingDeg: null, accuracyM: null }, NOTHING);
  t.same(Object.keys(bare), ['_type', 'lat', 'lon', 'alt', 'tst', 'unix_ms', 'alt_m']);
  const still = positionOf({ ...SAMPLE, velocity: { northMps: 0.7, eastMps: -0.7, downMps: -0.01 } }, NOTHING);
  t.notOk('cog' in still);
  t.equal(JSON.stringify(still.velocity_mps), '[0.7,-0.7,0]');
});

/** Where a position puts it after so long, from nothing but its text: on and on in steps of a hundredth of a second, which is not the formula of the agent. */
function reckoned(text: string, s: number) {
  const { lat, lon, alt_m: altM, cog, velocity_mps: velocity = [0, 0, 0], turn_dps: dps = 0 } = JSON.parse(text);
  let [north, east, course] = [0, 0, Math.atan2(velocity[1], velocity[0])];
  const speed = cog === undefined ? 0 : Math.hypot(velocity[0], velocity[1]);
  for (let step = 0; step < s * 100; step += 1) {
    const middle = course + (dps * Math.PI) / 180 / 200;
    north += (speed * Math.cos(middle)) / 100;
    east += (speed * Math.sin(middle)) / 100;
    course += (dps * Math.PI) / 180 / 100;
  }
  return [
    lon + east / (111_195 * Math.cos((47.4 * Math.PI) / 180)),
    lat + north / 111_195,
    altM - velocity[2] * s,
  ] as const;
}

t.test('whoever reckons from the last one is never more than 5 m off, nor more than 10 s behind', async (t) => {
  // A corner costs one, a circle or a hover none beside the one every 10 s.
  const most = { race: 50, patrol: 16, hover: 13, 'wide circle': 13, 'tight circle': 16 } as const;
  const ways = {
    ...{ race: WAYS.race(28, 120), patrol: WAYS.race(12, 200), hover: WAYS.hover(0.3) },
    ...{ 'wide circle': WAYS.circle(80, 12), 'tight circle': WAYS.circle(10, 6) },
  };
  for (const name of ['race', 'patrol', 'hover', 'wide circle', 'tight circle'] as const) {
    const positions = openPositions();
    let [said, saidMs, count, worst] = ['', 0, 0, 0];
    for (const sample of samplesOf(ways[name], 120)) {
      const position = positions.sample(sample, NOTHING);
      if (position !== null) {
        [said, saidMs] = [JSON.stringify(position), sample.bootMs];
        count += 1;
      }
      const s = (sample.bootMs - saidMs) / 1000;
      t.ok(s < 10);
      const off = errorM([[...reckoned(said, s), sample.bootMs]], sample, 0);
      worst = Math.max(worst, off);
      // What jumps further within a fifth of a second is said at its end.
      t.ok(off <= 5.2 || s < 0.2, `${off} m off after ${s} s`);
    }
    t.ok(count >= 12 && count <= most[name], `${name}: ${count} of 1200`);
    t.ok(worst > 0.05, `${name}: ${worst.toFixed(2)} m at most`);
  }
});

t.test('a turn is told from the courses; slow and straight is none', async (t) => {
  const way = (stepMs: number, courses: readonly number[], speed = 12) =>
    courses.map((course, n) => ({
      ...{ ...SAMPLE, bootMs: n * stepMs },
      velocity: {
        northMps: speed * Math.cos((course * Math.PI) / 180),
        eastMps: speed * Math.sin((course * Math.PI) / 180),
        downMps: 0,
      },
    }));
  t.equal(turnDps(way(1000, [350, 10])), 20);
  t.equal(turnDps(way(250, [10, 0, 350])), -40);
  t.equal(turnDps(way(100, [0, 0, 0, 90, 90, 90])), 0, 'a corner is over');
  t.equal(turnDps(way(1000, [10, 10.5])), 0);
  t.equal(turnDps(way(1000, [10, 50], 0.9)), 0);
  t.equal(turnDps(way(0, [10, 50])), 0);
  t.equal(turnDps(way(1000, [10])), 0);
  t.equal(turnDps([]), 0);
  t.equal(turnDps([{ ...SAMPLE, velocity: null }, ...way(1000, [50, 90]).slice(1)]), 0);
});

t.test('at once where it is wanted, or when the clock of the vehicle starts anew', async (t) => {
  const positions = openPositions();
  const at = (ms: number) => sampleAt(WAYS.hover(0.1), ms);
  t.ok(positions.sample(at(50_000), NOTHING));
  t.equal(positions.sample(at(50_500), NOTHING), null);
  t.ok(positions.sample(at(50_600), NOTHING, true));
  t.ok(positions.sample(at(2_000), NOTHING));
});
