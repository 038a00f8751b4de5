import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, SaidError } from '../values/errors.ts';
import type { FleetLink } from './link.ts';

/** How long nothing may come while the broker shows us our own documents. */
const ECHO_MS = 5_000;
/** How long nothing may come while it hands out what it keeps to who asks anew, beside the time that showing it took. */
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

/** One that is on its way. */
interface Going {
  readonly publication: Publication;
  readonly mayRead: boolean;
  live: boolean;
  kept: boolean;
  /** Somebody else has published there since. */
  overtaken: boolean;
}

/** {@link publishAllSeen} for one document. */
export async function publishSeen(link: FleetLink, publication: Publication): Promise<void> {
  return publishAllSeen(link, [publication]);
}

/**
 * Publishes, and waits until the broker shows each document back and, if it is to be kept, hands it out to who asks anew: an
 * acknowledgement says neither (nats-server 2.9 gives one although its cluster has no majority to keep the document). What is not
 * kept is published again, unless somebody else has published there since. Throws {@link SaidError} if one is not let in or not
 * kept; rejects with LinkFailure if the broker is lost.
 */
export async function publishAllSeen(link: FleetLink, publications: readonly Publication[]): Promise<void> {
  const goings = new Map<string, Going>();
  // Many large ones take their time on a slow link: what still comes is not missing.
  const last = { ms: performance.now() };
  const cancel = link.listen(({ topic, payload, retain }) => {
    const going = goings.get(topic);
    if (going === undefined) return;
    last.ms = performance.now();
    const isOurs = Buffer.from(payload).toString('latin1') === going.publication.jws;
    if (retain) going.kept ||= isOurs;
    else if (!isOurs) going.overtaken ||= going.live;
    else if (!going.live) {
      going.live = true;
      going.publication.onLive?.();
    }
  });
  try {
    const granted = await link.subscribe(publications.map(({ topic }) => topic));
    for (const [index, publication] of publications.entries()) {
      const mayRead = (granted[index] ?? 128) < 128;
      goings.set(publication.topic, { publication, mayRead, live: false, kept: false, overtaken: false });
    }
    for (const { onSent } of publications) onSent();
    let open: readonly Going[] = [...goings.values()];
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const startMs = performance.now();
      await Promise.all(open.map((going) => publishOne(link, going, last)));
      open = open.filter(({ mayRead, publication }) => mayRead && publication.retain);
      // They are as long on their way again, and the first of them may be the largest.
      const keptMs = KEPT_MS + performance.now() - startMs;
      if (open.length > 0) await link.subscribe(open.map(({ publication }) => publication.topic));
      last.ms = performance.now();
      const isMissing = ({ kept, overtaken }: Going) => !kept && !overtaken;
      await comes(() => !open.some(isMissing), last, keptMs);
      open = open.filter(isMissing);
      if (open.length === 0) return;
    }
    throw new SaidError(
      EXIT.failed,
      `the broker acknowledged the document on ${open[0]?.publication.topic} ${TRIES} times, and does not keep it: devices that come later do not get it`,
      'see at the broker whether retained messages are allowed and its cluster has a majority, then push again',
    );
  } finally {
    cancel();
  }
}

async function publishOne(link: FleetLink, going: Going, last: { ms: number }): Promise<void> {
  const { topic, jws, retain, onLive } = going.publication;
  const code = await link.publish(topic, jws, { retain });
  last.ms = performance.now();
  if (code >= 128 || (going.mayRead && !(await comes(() => going.live, last, ECHO_MS)))) throw notLetIn(topic, code);
  if (!going.mayRead) onLive?.();
}

/** True when it is there; false when nothing has come for so long. */
async function comes(isThere: () => boolean, last: { readonly ms: number }, silentMs: number): Promise<boolean> {
  while (!isThere() && performance.now() < last.ms + silentMs) await pause(10);
  return isThere();
}

function notLetIn(topic: string, code: number): SaidError {
  return new SaidError(
    EXIT.failed,
    `the broker did not take the document on ${topic}: this user may not write there${code >= 128 ? ` (reason ${code})` : ''}`,
    'give the user of --user the right to write and read that topic at the broker',
  );
}
