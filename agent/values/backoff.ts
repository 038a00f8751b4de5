/** How long to pause between attempts to connect. All in milliseconds. */
export interface BackoffPlan {
  /** Longest first pause. */
  readonly firstMs: number;
  /** Longest pause at all. */
  readonly capMs: number;
  /** A link that lasted this long starts the pauses afresh; a shorter one does not, so that a kicked device backs off too. */
  readonly stableMs: number;
}

/** The pause before the next attempt, and the number of failures in a row to pass in next time. */
export interface Pause {
  readonly delayMs: number;
  readonly failures: number;
}

/**
 * Full jitter: a pause anywhere between nothing and a ceiling that doubles with every failure up to the cap, so that a fleet
 * that lost its broker at one instant does not come back at one instant. `lastedMs`: how long the link was up, null if it
 * never was. `unit`: uniform in [0, 1).
 */
export function nextPause(plan: BackoffPlan, failures: number, lastedMs: number | null, unit: number): Pause {
  const before = lastedMs !== null && lastedMs >= plan.stableMs ? 0 : failures;
  const ceilingMs = Math.min(plan.capMs, plan.firstMs * 2 ** Math.min(before, 30));
  return { delayMs: Math.floor(unit * ceilingMs), failures: before + 1 };
}
