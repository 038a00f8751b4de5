import type { PositionSample, VehicleFeed } from '../agent/ports/vehicle.ts';
import { openWhereabouts } from '../agent/telemetry/whereabouts.ts';
import { samplesOf, WAYS, type Way } from '../test/fixtures/flights.ts';
import { scriptedFeed } from '../test/fixtures/scripted-feed.ts';
import { type BenchClock, benchClock } from './clock.ts';
import type { Flown, Sent } from './flown.ts';

const MADE_UP_S = 3_600;
/** How true a track is. */
export const ERROR_M = 1;
/** Ways of an hour, and what they are called: test/telemetry/whereabouts.ts holds what they cost. */
export const MADE_UP: readonly (readonly [string, Way])[] = [
  ['patrol (legs of 200 m at 12 m/s)', WAYS.race(12, 200)],
  ['circle (80 m, 12 m/s)', WAYS.circle(80, 12)],
  ['hover (wind and noise, 0.3 m)', WAYS.hover(0.3)],
];
const log = { say: () => {} };

/** Listens to what goes out for what a vehicle tells; the function that comes back ends it. */
export function listen(feed: VehicleFeed, clock: BenchClock, sent: Sent[]) {
  return openWhereabouts({
    ...{ feed, clock, log, errorM: ERROR_M, byMovement: false, left: null },
    name: () => '20261122T011400Z-3f2a',
    say: (lane, body) => void sent.push({ lane, text: JSON.stringify(body) }),
    keep: () => {},
    alarm: () => {},
  }).start();
}

/** Flies one of {@link MADE_UP}. */
export function madeUp(name: string, way: Way): Flown {
  const clock = benchClock();
  const sent: Sent[] = [];
  const { feed, give, fly } = scriptedFeed(clock);
  const stop = listen(feed, clock, sent);
  fly(true);
  const samples = samplesOf(way, MADE_UP_S).map(asToldByAutopilot);
  for (const sample of samples) {
    clock.advance(sample.bootMs - clock.bootMs());
    give(sample);
  }
  fly(false);
  stop();
  return { name, samples, sent, flownMs: MADE_UP_S * 1000 };
}

/** With a nose that points where it goes, in hundredths of a degree, and a velocity in cm/s. */
function asToldByAutopilot(sample: PositionSample): PositionSample {
  const { northMps = 0, eastMps = 0, downMps = 0 } = sample.velocity ?? {};
  const course = (Math.atan2(eastMps, northMps) * 180) / Math.PI;
  const inHundredths = (value: number) => Math.round(value * 100) / 100;
  return {
    ...sample,
    velocity: { northMps: inHundredths(northMps), eastMps: inHundredths(eastMps), downMps: inHundredths(downMps) },
    headingDeg: inHundredths((course + 360) % 360),
  };
}
