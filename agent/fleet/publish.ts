import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, SaidError } from '../values/errors.ts';
import type { FleetLink } from './link.ts';

/** How long the broker may take to show us our own document. */
const ECHO_MS = 5_000;
/** How long it may take to hand out what it keeps to who asks anew. */
const KEPT_MS = 1_000;
/** How often a document is published that the broker acknowledges and does not keep. */
const TRIES = 4;

/** A signed document on its way. */
export interface Publication {
  readonly topic: string;
  readonly jws: string;
  readonly retain: boolean;
  /** It is about to go out: from now on it can be answered. */
  onSent(): void;
  /** The broker has shown it back, or has taken it where we may not read: those who are there have it. Called once, before any answer. */
  onLive?(): void;
}

/**
 * Publishes, and waits until the broker shows the document back and, if it is to be kept, hands it out to who asks anew: an
 * acknowledgement says neither (nats-server 2.9 gives one although its cluster has no majority to keep the document). What is not
 * kept is published again, unless somebody else has published there since. Throws {@link SaidError} if it is not let in or not
 * kept; rejects with LinkFailure if the broker is lost.
 */
export async function publishSeen(link: FleetLink, publication: Publication): Promise<void> {
  const { topic, jws, retain, onSent, onLive = () => {} } = publication;
  const seen = { live: false, kept: false, overtaken: false };
  const cancel = link.listen((frame) => {
    if (frame.topic !== topic) return;
    const isOurs = Buffer.from(frame.payload).toString('latin1') === jws;
    if (frame.retain) seen.kept ||= isOurs;
    else if (!isOurs) seen.overtaken ||= seen.live;
    else if (!seen.live) {
      seen.live = true;
      onLive();
    }
  });
  const comes = async (what: 'live' | 'kept', withinMs: number) => {
    for (const endMs = performance.now() + withinMs; !seen[what] && performance.now() < endMs; ) await pause(10);
    return seen[what];
  };
  try {
    const [granted] = await link.subscribe([topic]);
    const mayRead = (granted ?? 128) < 128;
    onSent();
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const code = await link.publish(topic, jws, { retain });
      if (code >= 128 || (mayRead && !(await comes('live', ECHO_MS)))) throw notLetIn(topic, code);
      if (!mayRead) return onLive();
      if (!retain) return;
      seen.kept = false;
      await link.subscribe([topic]);
      if ((await comes('kept', KEPT_MS)) || seen.overtaken) return;
    }
    throw new SaidError(
      EXIT.failed,
      `the broker acknowledged the document on ${topic} ${TRIES} times, and does not keep it: devices that come later do not get it`,
      'see at the broker whether retained messages are allowed and its cluster has a majority, then push again',
    );
  } finally {
    cancel();
  }
}

function notLetIn(topic: string, code: number): SaidError {
  return new SaidError(
    EXIT.failed,
    `the broker did not take the document on ${topic}: this user may not write there${code >= 128 ? ` (reason ${code})` : ''}`,
    'give the user of --user the right to write and read that topic at the broker',
  );
}
