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
      ...{ _type: 'location', lat: 47.3977419, lon: 8.5455938, alt: 488, vel: 43, cog: 270, acc: 2, batt: 81 },
      ...{ tst: 1_795_298_400, unix_ms: 1_795_298_400_123, alt_m: 488.13, velocity_mps: [0, -12, 0.2] },
      ...{ heading_deg: 271.3, fix: '3d', satellites: 14, flight: 'f1' },
    },
  );
});

t.test('what is not known is absent; what stands has no course', async (t) => {
  const bare = positionOf({ ...SAMPLE, velocity: null, headingDeg: null, accuracyM: null }, NOTHING);
  t.same(Object.keys(bare), ['_type', 'lat', 'lon', 'alt', 'tst', 'unix_ms', 'alt_m']);
  const still = positionOf({ ...SAMPLE, velocity: { northMps: 0.1, eastMps: -0, downMps: 0 } }, NOTHING);
  t.notOk('cog' in still);
  t.equal(JSON.stringify(still.velocity_mps), '[0.1,0,0]');
});

t.test('whoever reckons from the last one is never more than 5 m off, nor more than 10 s behind', async (t) => {
  const most = { race: 95, hover: 32, 'wide circle': 16, 'tight circle': 16 } as const;
  const ways = {
    ...{ race: WAYS.race(28, 120), hover: WAYS.hover(0.5) },
    ...{ 'wide circle': WAYS.circle(80, 12), 'tight circle': WAYS.circle(10, 6) },
  };
  for (const name of ['race', 'hover', 'wide circle', 'tight circle'] as const) {
    const positions = openPositions();
    let said = samplesOf(ways[name], 0)[0];
    let dps = 0;
    let count = 0;
    for (const sample of samplesOf(ways[name], 120)) {
      const position = positions.sample(sample, NOTHING);
      if (position !== null) {
        said = sample;
        dps = position.turn_dps ?? 0;
        count += 1;
      }
      if (said === undefined) throw new Error('nothing was said');
      const { velocity, bootMs } = said;
      const s = (sample.bootMs - bootMs) / 1000;
      t.ok(s < 10);
      // On and on in steps of a hundredth of a second, turning: not the formula of the agent.
      let [north, east, course] = [0, 0, Math.atan2(velocity?.eastMps ?? 0, velocity?.northMps ?? 0)];
      const speed = Math.hypot(velocity?.northMps ?? 0, velocity?.eastMps ?? 0);
      for (let step = 0; step < s * 100; step += 1) {
        const middle = course + (dps * Math.PI) / 180 / 200;
        north += (speed * Math.cos(middle)) / 100;
        east += (speed * Math.sin(middle)) / 100;
        course += (dps * Math.PI) / 180 / 100;
      }
      const lat = said.latDeg + north / 111_195;
      const lon = said.lonDeg + east / (111_195 * Math.cos((47.4 * Math.PI) / 180));
      const reckoned = [[lon, lat, said.altM - (velocity?.downMps ?? 0) * s, sample.bootMs]] as const;
      const off = errorM(reckoned, sample, 0);
      // What jumps further within a fifth of a second is said at its end.
      t.ok(off <= 5.2 || s < 0.2, `${off} m off after ${s} s`);
    }
    t.ok(count >= 12 && count <= most[name], `${name}: ${count} of 1200`);
  }
});

t.test('a turn is told from the course; slow and straight is none', async (t) => {
  const at = (bootMs: number, course: number, speed = 12) => ({
    ...{ ...SAMPLE, bootMs },
    velocity: {
      northMps: speed * Math.cos((course * Math.PI) / 180),
      eastMps: speed * Math.sin((course * Math.PI) / 180),
      downMps: 0,
    },
  });
  t.equal(turnDps(at(0, 350), at(1000, 10)), 20);
  t.equal(turnDps(at(0, 10), at(500, 350)), -40);
  t.equal(turnDps(at(0, 10), at(1000, 10.5)), 0);
  t.equal(turnDps(at(0, 10, 1), at(1000, 50, 1)), 0);
  t.equal(turnDps(at(0, 10), at(0, 50)), 0);
  t.equal(turnDps({ ...SAMPLE, velocity: null }, at(2000, 50)), 0);
});

t.test('at once where it is wanted, or when the clock of the vehicle starts anew', async (t) => {
  const positions = openPositions();
  const at = (ms: number) => sampleAt(WAYS.hover(0.1), ms);
  t.ok(positions.sample(at(50_000), NOTHING));
  t.equal(positions.sample(at(50_500), NOTHING), null);
  t.ok(positions.sample(at(50_600), NOTHING, true));
  t.ok(positions.sample(at(2_000), NOTHING));
});
