import t from 'tap';
import { flightsOf, geojsonOf } from '../../agent/telemetry/flights.ts';
import { coarserTrack } from '../../agent/telemetry/track-coarser.ts';
import type { TrackFeature } from '../../agent/values/track.ts';
import { errorM, lineOf, plainTrack, samplesOf, WAYS } from '../fixtures/flights.ts';

t.test('coarser twice: fewer points each time, and what it says of its error is true', async (t) => {
  const samples = samplesOf(WAYS.race(25, 90), 55);
  const track = plainTrack();
  track.fly(true);
  for (const sample of samples) track.sample(sample, null);
  const feature = track.fly(false)?.feature;
  let text = JSON.stringify(feature);
  for (const error of [4, 16]) {
    const before = text.length;
    text = coarserTrack(text) ?? '';
    t.ok(text.length < before, `${before} → ${text.length}`);
    const less: TrackFeature = JSON.parse(text);
    t.equal(less.properties.error_m, error);
    t.match(less.properties, { flight: 'f1', seq: 1, raw_points: 551 });
    const line = lineOf([less], 'f1');
    const worst = samples.reduce((most, one) => Math.max(most, errorM(line, one, Date.UTC(2026, 0, 1))), 0);
    t.ok(worst <= error && worst > error / 4, `${worst.toFixed(2)} m`);
  }
});

t.test(
  'the ends of gaps stay, also at the beginning and the end: no line leads through what nobody knows',
  async (t) => {
    const track = plainTrack();
    const heard = samplesOf(WAYS.race(25, 90), 59).filter(({ bootMs }) =>
      [10_000, 20_000, 20_100, 33_000, 47_000].every((from) => bootMs <= from || bootMs > from + 6_000),
    );
    track.fly(true);
    for (const sample of heard) track.sample(sample, null);
    const feature = track.fly(false)?.feature;
    let text = JSON.stringify(feature);
    const linesOf = (one: TrackFeature) => flightsOf([one], null, 1)[0]?.lines ?? [];
    const ends = (one: TrackFeature) => linesOf(one).map((line) => [line[0], line.at(-1)]);
    const before: TrackFeature = JSON.parse(text);
    t.equal(before.properties.gaps_ms.length, 4);
    t.equal(linesOf(before).length, 5);
    for (const _ of [4, 16]) {
      const bytes = text.length;
      text = coarserTrack(text) ?? '';
      t.ok(text.length < bytes, `${bytes} → ${text.length}`);
      t.same(ends(JSON.parse(text)), ends(before));
    }
    const [flight] = flightsOf([JSON.parse(text)], null, 1);
    t.match(flight === undefined ? {} : geojsonOf(flight), { geometry: { type: 'MultiLineString' } });
  },
);

t.test('what cannot get shorter, or is no track', async (t) => {
  const coordinates = [
    [8, 47, 0, 1000],
    [8, 47, 0, 2000],
  ];
  t.equal(
    coarserTrack(JSON.stringify({ geometry: { coordinates }, properties: { flight: 'f', seq: 1, error_m: 1 } })),
    null,
  );
  t.equal(coarserTrack('{}'), null);
});
