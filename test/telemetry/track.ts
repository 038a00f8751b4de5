import t from 'tap';
import type { JournalRecord } from '../../agent/ports/journal.ts';
import type { PositionSample } from '../../agent/ports/vehicle.ts';
import { openTrack, type TrackBatch } from '../../agent/telemetry/track.ts';
import { createTrackMemory } from '../../agent/telemetry/track-memory.ts';
import type { TrackFeature } from '../../agent/values/track.ts';
import { errorM, flown, lineOf, plainTrack, samplesOf, WAYS, type Way } from '../fixtures/flights.ts';

const OFFSET_MS = Date.UTC(2026, 0, 1);
const worst = (sent: readonly TrackFeature[], samples: readonly PositionSample[], flight = 'f1') => {
  const line = lineOf(sent, flight);
  return samples.reduce((most, sample) => Math.max(most, errorM(line, sample, OFFSET_MS)), 0);
};

t.test('known ways: within a metre at every input point, with a fraction of the points', async (t) => {
  const ways: Readonly<Record<string, Way>> = {
    circle: WAYS.circle(80, 12),
    'tight circle': WAYS.circle(6, 8),
    hover: WAYS.hover(0.2),
    'noisy hover': WAYS.hover(1.5),
    race: WAYS.race(28, 120),
  };
  for (const [name, way] of Object.entries(ways)) {
    const samples = samplesOf(way, 200);
    const sent = flown(plainTrack(), samples);
    const error = worst(sent, samples);
    t.ok(error <= 1, `${name}: ${error.toFixed(3)} m`);
    t.ok(error > (name === 'hover' ? 0.8 : 0.9), `and the bound is used: ${name}: ${error.toFixed(3)} m`);
    t.ok(lineOf(sent, 'f1').length < samples.length / (name.startsWith('noisy') ? 1.5 : 4), 'fewer points');
    t.same(
      sent.map(({ properties: { seq, raw_points, end } }) => [seq, raw_points, end]),
      [
        [1, 601, 'time'],
        [2, 600, 'time'],
        [3, 600, 'time'],
        [4, 200, 'landed'],
      ],
    );
  }
});

t.test(
  'batches of a flight overlap by exactly one point; time grows strictly, as the vehicle’s clock does',
  async (t) => {
    const sent = flown(plainTrack(), samplesOf(WAYS.circle(80, 12), 150));
    for (const [n, { geometry, properties }] of sent.entries()) {
      const times = geometry.coordinates.map((point) => point[3]);
      t.ok(times.every((ms, i) => i === 0 || ms > (times[i - 1] ?? 0)));
      t.equal(properties.boot_ms, (times[0] ?? 0) - OFFSET_MS, 'both clocks from the first point on');
      const next = sent[n + 1]?.geometry.coordinates;
      if (next === undefined) continue;
      t.same(next[0], geometry.coordinates.at(-1));
      t.ok((next[1]?.[3] ?? 0) > (times.at(-1) ?? 0));
    }
  },
);

t.test('a flight that ends at its minute, or a point before or after it, tells of its landing', async (t) => {
  const samples = samplesOf(WAYS.circle(80, 12), 130);
  for (const [points, ends] of [
    [600, ['landed']],
    [601, ['landed']],
    [602, ['time', 'landed']],
    [1200, ['time', 'landed']],
    [1201, ['time', 'landed']],
    [1202, ['time', 'time', 'landed']],
  ] as const) {
    const heard = samples.slice(0, points);
    const sent = flown(plainTrack(), heard);
    t.same(
      sent.map(({ properties }) => properties.end),
      ends,
      `${points} points`,
    );
    t.ok(sent.every(({ geometry }) => geometry.coordinates.length >= 2));
    t.ok(worst(sent, heard) <= 1);
    t.equal(lineOf(sent, 'f1').at(-1)?.[3], OFFSET_MS + (heard.at(-1)?.bootMs ?? 0), 'to the last point');
  }
});

t.test('the clock of a flight stays, also when the vehicle learns a better time', async (t) => {
  const samples = samplesOf(WAYS.race(10, 50), 30);
  const late = samples.map((sample, n) => (n < 100 ? sample : { ...sample, unixMs: sample.unixMs + 5_000 }));
  t.ok(worst(flown(plainTrack(), late), samples) <= 1);
});

t.test('a gap is said, and nothing is made up beyond a straight line', async (t) => {
  const samples = samplesOf(WAYS.circle(80, 12), 50);
  const heard = samples.filter(({ bootMs }) => bootMs < 20_000 || bootMs > 33_000);
  const [batch] = flown(plainTrack(), heard);
  t.same(batch?.properties.gaps_ms, [[OFFSET_MS + 19_900, OFFSET_MS + 33_100]]);
  t.ok(worst(batch === undefined ? [] : [batch], heard) <= 1);
});

t.test('points that come late or twice change nothing', async (t) => {
  const samples = samplesOf(WAYS.circle(80, 12), 20);
  const mixed = samples.flatMap((sample, n) =>
    n % 7 === 6 ? [sample, sample, ...samples.slice(n - 3, n - 2)] : [sample],
  );
  t.same(flown(plainTrack(), mixed), flown(plainTrack(), samples));
  const swapped = samples.map((sample, n) => samples[n % 10 === 4 ? n + 1 : n % 10 === 5 ? n - 1 : n] ?? sample);
  const inOrder = samples.filter((_, n) => n % 10 !== 4);
  t.same(flown(plainTrack(), swapped), flown(plainTrack(), inOrder), 'nor does one that was overtaken');
  t.equal(flown(plainTrack(), swapped)[0]?.properties.raw_points, inOrder.length);
});

t.test('a vehicle whose clock starts anew begins a flight anew', async (t) => {
  const first = samplesOf(WAYS.circle(80, 12), 20, 100_000);
  const second = samplesOf(WAYS.circle(80, 12), 20, 3_000);
  const sent = flown(plainTrack(), [...first, ...second.map((one) => ({ ...one, unixMs: one.unixMs + 117_000 }))]);
  t.same(
    sent.map(({ properties: { flight, seq, end } }) => [flight, seq, end]),
    [
      ['f1', 1, 'restarted'],
      ['f2', 1, 'landed'],
    ],
  );
  t.ok(worst(sent, first) <= 1);
});

t.test('the largest correction, and none where it is not known', async (t) => {
  const samples = samplesOf(WAYS.circle(80, 12), 70);
  const sent = flown(plainTrack(), samples, (n) => (n < 601 ? Math.sin(n / 100) * 2 : null));
  t.same(
    sent.map(({ properties }) => properties.largest_correction_m),
    [2, null],
  );
});

t.test('on the ground nothing is drawn; one point is no line', async (t) => {
  const track = plainTrack();
  const [one] = samplesOf(WAYS.hover(1), 1);
  if (one === undefined) throw new Error('no sample');
  t.equal(track.sample(one, null), null);
  t.same(flown(track, [one]), []);
  t.equal(track.flight(), null);
});

t.test('a kill at any point costs what came since the last checkpoint, and the flight goes on', async (t) => {
  const samples = samplesOf(WAYS.circle(40, 9), 100);
  for (const killAt of [3, 123, 599, 601, 777]) {
    const memory = createTrackMemory();
    const sent: TrackFeature[] = [];
    const fold = (records: readonly JournalRecord[]) => {
      for (const record of JSON.parse(JSON.stringify(records))) memory.fold(record);
    };
    const take = (batch: TrackBatch | null) => {
      if (batch?.feature != null) sent.push(batch.feature);
      fold(batch?.records ?? []);
    };
    const first = openTrack({ errorM: 1, name: () => 'f1', left: null });
    first.fly(true);
    let checkedAt = 0;
    for (let n = 0; n < killAt; n += 1) {
      const sample = samples[n];
      if (sample === undefined) break;
      take(first.sample(sample, null));
      if (n % 10 !== 2) continue;
      const record = first.checkpoint();
      if (record !== null) fold([record]);
      checkedAt = n;
    }
    const second = openTrack({ errorM: 1, name: () => 'f2', left: memory.open() });
    take(second.close('interrupted'));
    take(second.fly(true));
    for (const sample of samples.slice(killAt)) take(second.sample(sample, null));
    take(second.fly(false));
    const known = samples.filter((_, n) => n <= checkedAt || n >= killAt);
    t.same([...new Set(sent.map(({ properties }) => properties.flight))], ['f1'], `killed at ${killAt}: one flight`);
    t.same(
      sent.map(({ properties }) => properties.seq),
      sent.map((_, n) => n + 1),
    );
    t.ok(worst(sent, known) <= 1);
    t.equal(memory.open(), null, 'nothing is left over');
  }
});
