import { setTimeout as pause } from 'node:timers/promises';
import type { NamedHolder } from '../values/command.ts';
import { isFields, isId } from '../values/fields.ts';
import { harmless } from '../values/printable.ts';
import { readFields } from './answers.ts';
import type { FleetLink } from './link.ts';

/** How long the broker may take to hand out what it keeps on a topic: it says no word when it keeps nothing. */
const RETAINED_MS = 1_000;

/** What the broker keeps on a topic; null if it keeps nothing, or shows us nothing. Rejects with LinkFailure. */
async function readKeptBytes(link: FleetLink, topic: string): Promise<Uint8Array | null> {
  const seen: { bytes: Uint8Array | null } = { bytes: null };
  const cancel = link.listen((frame) => {
    if (frame.topic === topic && frame.payload.length > 0) seen.bytes = frame.payload;
  });
  try {
    await link.subscribe([topic]);
    const endMs = performance.now() + RETAINED_MS;
    while (seen.bytes === null && performance.now() < endMs) await pause(10);
    return seen.bytes;
  } finally {
    cancel();
  }
}

/** What the broker keeps on a topic, as text; null if it keeps nothing, or shows us nothing. Rejects with LinkFailure. */
export async function readRetainedText(link: FleetLink, topic: string): Promise<string | null> {
  const bytes = await readKeptBytes(link, topic);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/** The JSON object the broker keeps on a topic; null if it keeps none, or shows us none. Rejects with LinkFailure. */
export async function readRetained(link: FleetLink, topic: string): Promise<Readonly<Record<string, unknown>> | null> {
  const bytes = await readKeptBytes(link, topic);
  return bytes === null ? null : readFields(bytes);
}

/** What a device last said of a lock: what a release is bound to. */
export interface SeenLock {
  readonly state: 'COLD' | 'HOT';
  readonly verdict: string | null;
  readonly token: number;
  readonly holder: {
    readonly pid: number;
    readonly start: number | null;
    readonly command: string | null;
    readonly user: string | null;
  } | null;
  /** RFC 3339 UTC by the clock of the device; null where it did not say. */
  readonly since: string | null;
  /** Updates refused because of it. */
  readonly refusals: number;
  /** The file people know the config by. */
  readonly file: string | null;
  /** The boot of the device in which it said so, if it did say. */
  readonly boot?: string;
}

/** Reads the payload of a lock's topic; null if it is none. */
export function readSeenLock(fields: Readonly<Record<string, unknown>> | null): SeenLock | null {
  if (fields === null) return null;
  const { state, verdict, token, holder, since, refusals, file, boot } = fields;
  if ((state !== 'COLD' && state !== 'HOT') || !isCount(token)) return null;
  const named =
    isFields(holder) && isCount(holder.pid)
      ? {
          pid: holder.pid,
          start: isCount(holder.start) ? holder.start : null,
          ...{ command: text(holder.command), user: text(holder.user) },
        }
      : null;
  return {
    ...{ state, token, holder: named, verdict: text(verdict), file: text(file) },
    since: typeof since === 'string' && Number.isFinite(Date.parse(since)) ? since : null,
    refusals: isCount(refusals) ? refusals : 0,
    ...(isId(boot) ? { boot } : {}),
  };
}

/** The holder of a lock as a command names it; null where none was seen. */
export function namedHolder({ holder, boot }: Pick<SeenLock, 'holder' | 'boot'>): NamedHolder | null {
  return holder === null ? null : { pid: holder.pid, start: holder.start, ...(boot === undefined ? {} : { boot }) };
}

/** A text of somebody far away, fit for a terminal. */
function text(value: unknown): string | null {
  return typeof value === 'string' ? harmless(value, 200) : null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
