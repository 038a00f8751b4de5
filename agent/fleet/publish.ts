import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, SaidError } from '../values/errors.ts';
import type { FleetLink } from './link.ts';

/** How long the broker may take to show us our own document. */
const ECHO_MS = 5_000;

/** A signed document on its way. */
export interface Publication {
  readonly topic: string;
  readonly jws: string;
  readonly retain: boolean;
  /** It is about to go out: from now on it can be answered. */
  onSent(): void;
}

/**
 * Publishes, and waits until the broker shows the document back: an acknowledgement alone does not say that it was let in. Throws
 * {@link SaidError} if it was not; rejects with LinkFailure if the broker is lost.
 */
export async function publishSeen(link: FleetLink, { topic, jws, retain, onSent }: Publication): Promise<void> {
  const echo = { seen: false };
  const cancel = link.listen((frame) => {
    if (frame.topic === topic && Buffer.from(frame.payload).toString('latin1') === jws) echo.seen = true;
  });
  const [granted] = await link.subscribe([topic]);
  onSent();
  const code = await link.publish(topic, jws, { retain });
  const refused = () =>
    new SaidError(
      EXIT.failed,
      `the broker did not take the document on ${topic}: this user may not write there${code >= 128 ? ` (reason ${code})` : ''}`,
      'give the user of --user the right to write and read that topic at the broker',
    );
  if (code >= 128) throw refused();
  const endMs = performance.now() + ECHO_MS;
  while (!echo.seen && performance.now() < endMs) await pause(10);
  cancel();
  if (!echo.seen && (granted ?? 128) < 128) throw refused();
}
