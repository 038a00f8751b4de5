import type { Frame } from '../ports/broker.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { readFields } from './answers.ts';
import { gather } from './gather.ts';
import type { FleetLink } from './link.ts';

/** What the broker keeps of a device. */
export interface Kept {
  /** It is online, or was when it had been cleared: what is cleared comes again. */
  readonly online: boolean;
  /** Topics with a retained message, sorted. */
  readonly topics: readonly string[];
  /** Those of them that are still there when they have been cleared: we may not write there, or it is online again. */
  readonly left: readonly string[];
}

/**
 * Finds what the broker keeps of a device, also what was meant for it alone; clears it if asked to and it is not online, and looks whether it
 * is gone: an acknowledgement does not say so. Throws {@link SaidError} where the broker does not let it be found; rejects with LinkFailure.
 */
export async function forgetDevice(link: FleetLink, root: string, device: string, clear: boolean): Promise<Kept> {
  const own = `${root}/v1/dev/${device}`;
  const { online, topics } = await look(link, own, [`${own}/#`]);
  if (topics.length === 0 && (await look(link, own, [`${own}/status`])).topics.length > 0) {
    throw new SaidError(
      EXIT.failed,
      `the broker keeps something of ${device}, but hands it out to nobody who does not name the topic: it cannot be found`,
      `clear what is below ${own}/ with the tools of the broker`,
    );
  }
  if (!clear || online || topics.length === 0) return { online, topics, left: [] };
  for (const topic of topics) await link.publish(topic, '', { retain: true });
  const again = await look(link, own, [`${own}/#`]);
  return { online: again.online, topics, left: topics.filter((topic) => again.topics.includes(topic)) };
}

/** What is kept of a device, as far as these filters show it. */
async function look(link: FleetLink, own: string, filters: readonly string[]): Promise<Omit<Kept, 'left'>> {
  const topics = new Set<string>();
  const seen = { online: false };
  const take = ({ topic, payload, retain }: Frame) => {
    if (!retain || payload.length === 0) return;
    topics.add(topic);
    if (topic === `${own}/status`) seen.online = readFields(payload)?.state === 'online';
  };
  await gather(link, filters, take, { once: true });
  return { online: seen.online, topics: [...topics].sort() };
}
