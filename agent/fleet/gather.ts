import { setTimeout as pause } from 'node:timers/promises';
import type { Frame } from '../ports/broker.ts';
import type { FleetLink } from './link.ts';

/** How long nothing retained may come before we believe that all has come: a broker says no word when it is through. */
const QUIET_MS = 400;
/** A fleet that goes on talking must not keep us waiting for ever. */
const QUIET_MAX_MS = 5_000;

/** Hands everything the broker keeps on topics to `take`, until no more comes. Rejects with LinkFailure. */
export async function gather(link: FleetLink, filters: readonly string[], take: (frame: Frame) => void): Promise<void> {
  const seen = { lastMs: 0 };
  const cancel = link.listen((frame) => {
    seen.lastMs = performance.now();
    take(frame);
  });
  try {
    await link.subscribe(filters);
    const startMs = performance.now();
    seen.lastMs = startMs;
    for (;;) {
      const nowMs = performance.now();
      if (nowMs - seen.lastMs >= QUIET_MS || nowMs - startMs >= QUIET_MAX_MS) break;
      await pause(20);
    }
  } finally {
    cancel();
  }
}
