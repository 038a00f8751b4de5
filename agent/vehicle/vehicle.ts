import type { Log } from '../ports/log.ts';
import type { VehicleDoor, VehicleFeed } from '../ports/vehicle.ts';
import type { Cancel, Clock } from '../ports/world.ts';
import { rfc3339 } from '../values/units.ts';
import type { VehicleView } from '../values/vehicle.ts';
import { createListeners, type Source } from './source.ts';

/** The vehicle: whether a config may be changed now, where it is, and how it is shown. */
export interface Vehicle {
  readonly door: VehicleDoor;
  readonly feed: VehicleFeed;
  view(): VehicleView;
  /** From now on it is listened to. */
  start(): Cancel;
}

/** What the room works with. */
export interface VehiclePorts {
  readonly clock: Clock;
  readonly log: Log;
}

/** A timer may come this much before what it waits for, as the boot-time clock is that coarse. */
const CLOCK_STEP_MS = 10;

/** Opens the room on a source: tells each change of safety as it comes, also one that time alone brings. */
export function openVehicle(source: Source, { clock, log }: VehiclePorts): Vehicle {
  const changes = createListeners<void>();
  const { feed } = source;
  let timer: Cancel = () => {};
  let known = source.state(clock.bootMs()).safety;
  let since = rfc3339(clock.wallMs());
  let flips = 0;

  const look = () => {
    timer();
    const nowMs = clock.bootMs();
    const { safety, reason } = source.state(nowMs);
    const turnMs = source.nextMs(nowMs);
    if (turnMs !== null) timer = clock.after(Math.max(CLOCK_STEP_MS, turnMs - nowMs), look);
    if (safety === known) return;
    known = safety;
    since = rfc3339(clock.wallMs());
    flips += 1;
    log.say('notice', `vehicle ${safety}: ${reason}`);
    changes.tell();
  };
  return {
    door: { state: () => source.state(clock.bootMs()), onChange: changes.add },
    feed,
    view() {
      const nowMs = clock.bootMs();
      const { messages, bytes, lastBootMs } = feed.seen();
      const fix = feed.fix();
      const battery = feed.battery();
      return {
        ...source.state(nowMs),
        ...{ since, flips, source: source.name },
        ...source.view(nowMs),
        ...{ fix: fix?.kind ?? null, satellites: fix?.satellites ?? null },
        ...{ battery_percent: battery?.percent ?? null, battery_v: battery?.volts ?? null },
        correction_m: feed.correctionM(),
        last_message_age_s: lastBootMs === null ? null : Math.floor((nowMs - lastBootMs) / 1000),
        ...{ messages, bytes },
      };
    },
    start() {
      const stop = source.start(look);
      look();
      return () => {
        timer();
        stop();
      };
    },
  };
}
