import t from 'tap';
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
