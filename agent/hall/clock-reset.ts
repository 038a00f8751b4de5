import type { ClockFloor } from '../trust/clock-floor.ts';
import type { ClockTrust, EventBody } from '../values/report.ts';
import { rfc3339 } from '../values/units.ts';

/** What became of the clock floor: RFC 3339 UTC before and after, and whether the clock is trusted now. */
export interface ClockReset {
  readonly was: string;
  readonly floor: string;
  readonly clock: ClockTrust;
}

/** Has the device forget the latest time it has seen, and says who wanted that and why. Throws Failure. */
export async function resetClock(
  floor: ClockFloor,
  speak: (records: readonly ReturnType<ClockFloor['reset']>[], events: readonly EventBody[]) => Promise<void>,
  who: string,
  reason: string,
): Promise<ClockReset> {
  const was = rfc3339(floor.floorMs());
  const record = floor.reset();
  const words = `the clock floor was ${was} and was put back to the build of this agent by ${who}: ${reason}`;
  await speak([record], [{ event: 'clock', who, reason: words }]);
  return { was, floor: rfc3339(floor.floorMs()), clock: floor.trust() };
}
