/** What the device tells about itself, in the order in which it is given up when too much of it waits. */
export const LANES = ['track', 'position', 'hb'] as const;

/** One of {@link LANES}; also the last level of its topic. */
export type Lane = (typeof LANES)[number];

/** How many messages of each lane. */
export type LaneCounts = Readonly<Record<Lane, number>>;

/** Nothing of any lane. */
export const NO_LANES: LaneCounts = { track: 0, position: 0, hb: 0 };

/** In words, without those of which there is nothing: `12 of track, 3 of position`. */
export function sayLanes(counts: LaneCounts): string {
  return LANES.filter((lane) => counts[lane] > 0)
    .map((lane) => `${counts[lane]} of ${lane}`)
    .join(', ');
}

/** True if `text` is a lane. */
export function isLane(text: unknown): text is Lane {
  return LANES.some((lane) => lane === text);
}
