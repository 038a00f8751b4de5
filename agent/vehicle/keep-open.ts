import type { Wire, WireEvents } from '../ports/vehicle.ts';
import type { Cancel, Clock } from '../ports/world.ts';
import { nextPause } from '../values/backoff.ts';

/** Pauses between attempts. Reason: a receiver that is plugged in again shall be heard at once, one that is away shall cost nothing. */
const PLAN = { firstMs: 1_000, capMs: 30_000, stableMs: 10_000 } as const;

/** What keeping a wire open works with. */
export interface KeepOpenPorts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  unit(): number;
}

/** Opens a wire, and again after a pause whenever it has ended, until cancelled. */
export function keepOpen(wire: Wire, { clock, unit }: KeepOpenPorts, events: WireEvents): Cancel {
  const state: { stopped: boolean; failures: number; openedMs: number | null; cancel: Cancel } = {
    ...{ stopped: false, failures: 0, openedMs: null },
    cancel: () => {},
  };
  const open = () => {
    state.openedMs = null;
    state.cancel = wire.open({
      opened() {
        state.openedMs = clock.bootMs();
        events.opened();
      },
      bytes: events.bytes,
      ended(why) {
        if (state.stopped) return;
        events.ended(why);
        const lastedMs = state.openedMs === null ? null : clock.bootMs() - state.openedMs;
        const pause = nextPause(PLAN, state.failures, lastedMs, unit());
        state.failures = pause.failures;
        state.cancel = clock.after(pause.delayMs, open);
      },
    });
  };
  open();
  return () => {
    state.stopped = true;
    state.cancel();
  };
}
