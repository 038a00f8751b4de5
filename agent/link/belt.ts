import type { Log } from '../ports/log.ts';
import type { Clock } from '../ports/world.ts';
import type { Publish } from './session.ts';

/** Messages under way at once. Small, so that little is sent twice after a lost link; enough to fill a round trip. */
const WINDOW = 8;
/** Pause after the broker refused a message, so that a missing right does not make a loop. */
const REFUSED_PAUSE_MS = 30_000;

/** What a belt carries, and what it tells about it. */
export interface BeltInput<T> {
  readonly clock: Clock;
  readonly log: Log;
  /** What is to go next; null: nothing. It stays next until {@link BeltInput.sent}. */
  next(): T | null;
  /** Milliseconds until it may go; 0 takes its part of the pace. */
  waitMs(item: T): number;
  message(item: T): { readonly topic: string; readonly text: string; readonly retain: boolean };
  /** It is under way. */
  sent(item: T): void;
  /** The broker has it. */
  had(item: T): void;
  /** The broker does not take it; it is tried again after a pause. */
  refused(item: T): void;
}

/** Carries messages to the broker with QoS 1, in order, a few at a time. */
export interface Belt {
  /** Looks whether something can go. */
  pump(): void;
  up(publish: Publish): void;
  /** Forgets what was under way: it has to go out again over the next link. */
  down(): void;
  /** How many are under way. */
  under(): number;
}

/** Makes a belt; it stands until the link is up. */
export function openBelt<T>(input: BeltInput<T>): Belt {
  const { clock, log } = input;
  let publish: Publish | null = null;
  /** Counts the links: an answer over an older one does not count. */
  let link = 0;
  let under = 0;
  let cancelPause = () => {};
  let paused = false;

  const pauseFor = (ms: number) => {
    cancelPause();
    paused = true;
    cancelPause = clock.after(ms, () => {
      paused = false;
      pump();
    });
  };
  const send = (item: T, give: Publish) => {
    const over = link;
    const { topic, text, retain } = input.message(item);
    under += 1;
    input.sent(item);
    give(topic, text, { qos: 1, retain }).then(
      (code) => {
        if (over !== link) return;
        under -= 1;
        if (code >= 128) {
          log.say('error', `outbox: the broker does not let this device publish to ${topic}`, { topic, code });
          input.refused(item);
          pauseFor(REFUSED_PAUSE_MS);
          return;
        }
        input.had(item);
        pump();
      },
      // The link went: everything that was under way goes out again over the next one.
      () => {},
    );
  };
  const pump = () => {
    while (publish !== null && !paused && under < WINDOW) {
      const item = input.next();
      if (item === null) return;
      const waitMs = input.waitMs(item);
      if (waitMs > 0) return pauseFor(waitMs);
      send(item, publish);
    }
  };
  const change = (to: Publish | null) => {
    link += 1;
    publish = to;
    under = 0;
    cancelPause();
    paused = false;
  };
  return {
    pump,
    up: change,
    down: () => change(null),
    under: () => under,
  };
}
