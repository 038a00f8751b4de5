import type { Frame } from '../ports/broker.ts';
import { isFields } from '../values/fields.ts';
import { type Address, desiredTopic, type Layer } from '../values/topics.ts';
import { readFields } from './answers.ts';
import { gather } from './gather.ts';
import type { FleetLink } from './link.ts';

/** A place whose versions are looked for. */
export interface SeenPlace {
  readonly root: string;
  readonly address: Address;
  readonly config: string;
  readonly layer: Layer;
}

/** The filter for the reports of the devices that an address means. */
export function reportedFilter({ root, address, config }: Pick<SeenPlace, 'root' | 'address' | 'config'>): string {
  return `${root}/v1/${address.startsWith('dev/') ? address : 'dev/+'}/reported/${config}`;
}

/** The highest version the broker knows of: in the retained document, and in what the devices concerned have reported. */
export async function highestVersion(link: FleetLink, place: SeenPlace): Promise<number> {
  const seen = { version: 0 };
  const topic = desiredTopic(place.root, place.address, place.config, place.layer);
  const take = (frame: Frame) => {
    seen.version = Math.max(seen.version, versionIn(frame, place));
  };
  await gather(link, [topic, reportedFilter(place)], take, { once: true });
  return seen.version;
}

/** The version for a place that a message tells of; 0 if it tells of none. The signature is of no matter: it can only be too high. */
export function versionIn(frame: Frame, place: SeenPlace): number {
  if (frame.topic === desiredTopic(place.root, place.address, place.config, place.layer)) {
    const body = Buffer.from(frame.payload).toString('latin1').split('.')[1] ?? '';
    return versionOf(readFields(Buffer.from(body, 'base64url'))?.version);
  }
  const reported = readFields(frame.payload);
  if (reported === null) return 0;
  const versions = [reported.running, reported.last_attempt].map((part) =>
    isFields(part) && part.layer === place.layer && part.address === place.address ? versionOf(part.version) : 0,
  );
  return Math.max(...versions);
}

function versionOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
