import type { JournalRecord } from '../../ports/journal.ts';
import type { Sha256 } from '../../ports/world.ts';
import { extraOf, writeChecksum } from './crc.ts';
import { CHECKSUM_BYTES, FLAG_SIGNED, type MavFrame, SIGNATURE_BYTES } from './frames.ts';
import { createSignedTimes, type SignedTimes, signedTimeOf, UNITS_PER_MS } from './signed-times.ts';

/** Bytes of the secret key. */
export const KEY_BYTES = 32;
/** Bytes of the signature itself; link and time stand before it. */
const TAIL_BYTES = 6;
/** A sender not heard before may be this far behind the newest time seen. Source: MAVLink message signing. */
const BEHIND_MAX = 60_000 * UNITS_PER_MS;
/** Senders whose times are remembered; more within a minute on one link are a flood. */
const SENDERS_MAX = 64;

/** So far the newest time goes on between two records of the times. Effect: what was said this shortly before the end of one life can be played to the next. */
const KEEP_EVERY = 60_000 * UNITS_PER_MS;
/** Characters that tell keys apart. */
const KEY_ID_LENGTH = 16;

/** Where a check remembers what it has heard. */
export interface SignatureMemory {
  readonly signed: SignedTimes;
  keep(records: readonly JournalRecord[]): void;
}

/** Says why a frame's signature does not count; null if it does. */
export type Check = (frame: MavFrame) => string | null;

/** Makes a check against one key, which remembers the time of each sender so that nothing recorded is taken again. */
export function createSignatureCheck(
  key: Uint8Array,
  sha256: Sha256,
  { signed: memory, keep }: SignatureMemory = { signed: createSignedTimes(), keep: () => {} },
): Check {
  const id = sha256(key).slice(0, KEY_ID_LENGTH);
  let keptTime = 0;
  return ({ raw, signed, system, component }) => {
    if (!signed) return 'not signed';
    const tail = raw.subarray(raw.length - SIGNATURE_BYTES);
    if (
      digest(key, raw.subarray(0, raw.length - TAIL_BYTES), sha256) !== hex(tail.subarray(SIGNATURE_BYTES - TAIL_BYTES))
    ) {
      return 'signed with another key';
    }
    const sender = `${system} ${component} ${tail[0]}`;
    const time = tail.subarray(1, 7).reduceRight((sum, byte) => sum * 256 + byte, 0);
    const times = memory.of(id);
    const last = times.get(sender);
    const newest = Math.max(0, ...times.values());
    if (last === undefined ? time < newest - BEHIND_MAX : time <= last) return 'signed before: sent again';
    while (last === undefined && times.size >= SENDERS_MAX) {
      const [oldest, itsTime] = [...times].reduce((one, other) => (other[1] < one[1] ? other : one));
      // Only one whose every frame so far is refused also from a sender not heard before.
      if (itsTime >= newest - BEHIND_MAX) return 'too many senders';
      times.delete(oldest);
    }
    times.set(sender, time);
    if (time >= keptTime + KEEP_EVERY && time <= memory.latest()) {
      keptTime = time;
      keep(memory.snapshot());
    }
    return null;
  };
}

/** What our frames are signed with. */
export interface Signer {
  readonly key: Uint8Array;
  /** Number of our link, 0 to 255. */
  readonly link: number;
  readonly sha256: Sha256;
}

/** Signs an unsigned frame of version 2. `wallMs` is the time, which must grow from frame to frame. */
export function sign(frame: Uint8Array, { key, link, sha256 }: Signer, wallMs: number): Uint8Array {
  const signed = new Uint8Array(frame.length + SIGNATURE_BYTES);
  signed.set(frame);
  signed[2] = FLAG_SIGNED;
  const end = frame.length - CHECKSUM_BYTES;
  const id = (frame[7] ?? 0) | ((frame[8] ?? 0) << 8) | ((frame[9] ?? 0) << 16);
  writeChecksum(signed, end, extraOf(id) ?? 0);
  signed[frame.length] = link;
  let time = signedTimeOf(wallMs);
  for (let at = 1; at <= 6; at += 1) {
    signed[frame.length + at] = time % 256;
    time = Math.floor(time / 256);
  }
  const all = digest(key, signed.subarray(0, signed.length - TAIL_BYTES), sha256);
  for (let at = 0; at < TAIL_BYTES; at += 1) {
    signed[signed.length - TAIL_BYTES + at] = Number.parseInt(all.slice(at * 2, at * 2 + 2), 16);
  }
  return signed;
}

/** The first bytes, in hex, of the digest of key and frame. */
function digest(key: Uint8Array, bytes: Uint8Array, sha256: Sha256): string {
  const all = new Uint8Array(key.length + bytes.length);
  all.set(key);
  all.set(bytes, key.length);
  return sha256(all).slice(0, TAIL_BYTES * 2);
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
