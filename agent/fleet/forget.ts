import { readFields } from './answers.ts';
import { gather } from './gather.ts';
import type { FleetLink } from './link.ts';

/** What the broker keeps of a device. */
export interface Kept {
  /** It is online: what is cleared would come again. */
  readonly online: boolean;
  /** Topics with a retained message, sorted. */
  readonly topics: readonly string[];
}

/** Finds what the broker keeps of a device, also what was meant for it alone; clears it if asked to and it is not online. Rejects with LinkFailure. */
export async function forgetDevice(link: FleetLink, root: string, device: string, clear: boolean): Promise<Kept> {
  const own = `${root}/v1/dev/${device}`;
  const topics = new Set<string>();
  const seen = { online: false };
  await gather(link, [`${own}/#`], ({ topic, payload, retain }) => {
    if (!retain || payload.length === 0) return;
    topics.add(topic);
    if (topic === `${own}/status`) seen.online = readFields(payload)?.state === 'online';
  });
  const sorted = [...topics].sort();
  if (clear && !seen.online) for (const topic of sorted) await link.publish(topic, '', { retain: true });
  return { online: seen.online, topics: sorted };
}
