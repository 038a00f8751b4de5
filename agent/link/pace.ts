/** How fast the outbox may send. */
export interface Pace {
  /** Messages a second, on average. */
  readonly perSecond: number;
  /** Messages that may go at once after a rest. */
  readonly burst: number;
}

/** A bucket of tokens, one a message. */
export interface TokenBucket {
  /** Takes a token and returns 0, or takes none and returns the milliseconds until there is one. */
  take(nowMs: number): number;
}

/** Makes a full bucket. `nowMs` is of any clock that does not jump, the same at every call. */
export function tokenBucket(pace: Pace, nowMs: number): TokenBucket {
  let tokens = pace.burst;
  let atMs = nowMs;
  return {
    take(now) {
      tokens = Math.min(pace.burst, tokens + ((now - atMs) * pace.perSecond) / 1000);
      atMs = now;
      if (tokens >= 1) {
        tokens -= 1;
        return 0;
      }
      return Math.ceil(((1 - tokens) * 1000) / pace.perSecond);
    },
  };
}
