import { setTimeout as pause } from 'node:timers/promises';
import type { Frame } from '../ports/broker.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { type FleetLink, LinkFailure } from './link.ts';

/** How long nothing retained may come before we ask whether all has come: a broker says no word when it is through. */
const QUIET_MS = 400;
/** How long nothing retained may come while we wait for that answer: what is slow is not done. */
const SILENT_MS = 10_000;
/** How often we ask: what we ask for may have been cleared meanwhile. */
const ASKS = 3;
/** The longest that an answer may be on its way for that; more is the broker's own time. */
const ANSWER_MAX_MS = 3_000;
const TICK_MS = 20;

/** How it is gathered. */
export interface GatherOptions {
  /** True: nobody listens to these topics afterwards. Otherwise what comes on them later comes with QoS 1. */
  readonly once?: boolean;
  /** How long nothing may come before we ask once more, and in the end give up. */
  readonly silentMs?: number;
}

/**
 * Hands everything the broker keeps on topics to `take`, and says which filters it may not read. A broker hands out in order, so all has
 * come when a topic that it is asked for anew comes once more. It is read with QoS 0: of QoS 1 Mosquitto drops what is more than
 * `max_queued_messages`, and says nothing. Throws {@link SaidError} if the rest does not come; rejects with {@link LinkFailure}.
 */
export async function gather(
  link: FleetLink,
  filters: readonly string[],
  take: (frame: Frame) => void,
  { once = false, silentMs = SILENT_MS }: GatherOptions = {},
): Promise<readonly string[]> {
  const kept = new Set<string>();
  const seen: { lastMs: number; newest: string | null; asked: string | null; failure: LinkFailure | null } = {
    ...{ lastMs: 0, newest: null, asked: null, failure: null },
  };
  const cancel = link.listen((frame) => {
    const { topic, retain, payload } = frame;
    if (payload.length === 0) kept.delete(topic);
    else if (retain) {
      seen.lastMs = performance.now();
      kept.add(topic);
      seen.newest = topic;
      if (topic === seen.asked) seen.asked = null;
    }
    take(frame);
  });
  void link.ended.then((end) => {
    seen.failure = new LinkFailure(end);
  });
  /** True when it is so; false when nothing has come for so long. */
  const silence = async (forMs: number, isSo = () => false): Promise<boolean> => {
    for (;;) {
      if (seen.failure !== null) throw seen.failure;
      if (isSo()) return true;
      if (performance.now() - seen.lastMs >= forMs) return false;
      await pause(TICK_MS);
    }
  };
  try {
    const startMs = performance.now();
    const granted = await link.subscribe(filters, 0);
    seen.lastMs = performance.now();
    // The first message may be as long on its way as the answer was.
    await silence(QUIET_MS + Math.min(seen.lastMs - startMs, ANSWER_MAX_MS));
    for (let asks = 1; kept.size > 0; asks += 1) {
      const topic =
        asks === 1 && seen.newest !== null && kept.has(seen.newest) ? seen.newest : [...kept][asks % kept.size];
      if (topic === undefined) break;
      seen.asked = topic;
      seen.lastMs = performance.now();
      await link.subscribe([topic], 0);
      if (await silence(silentMs, () => seen.asked === null)) break;
      if (asks === ASKS) throw notAll(kept.size);
    }
    if (!once) await link.subscribe(filters);
    return filters.filter((_filter, index) => (granted[index] ?? 128) >= 128);
  } finally {
    cancel();
  }
}

function notAll(count: number): SaidError {
  return new SaidError(
    EXIT.failed,
    `the broker has stopped handing out what it keeps: ${count} topics have come, and it does not say that these are all`,
    'the same again; if it stays so, look at the log of the broker',
  );
}
