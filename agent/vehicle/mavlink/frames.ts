import { checksum, extraOf } from './crc.ts';
import { MESSAGES } from './messages.ts';

/** Start bytes of the two versions. */
export const START = { v1: 0xfe, v2: 0xfd } as const;
/** Bytes before the payload. */
export const HEADER = { v1: 6, v2: 10 } as const;
/** The one flag of version 2 that we know: a signature follows the checksum. */
export const FLAG_SIGNED = 0x01;
/** Bytes of the checksum, behind the payload. */
export const CHECKSUM_BYTES = 2;
/** Bytes of a signature, behind the checksum: link, time, digest. */
export const SIGNATURE_BYTES = 13;

/** A frame whose checksum is right. Its bytes are only good until the next ones are taken. */
export interface MavFrame {
  readonly version: 1 | 2;
  readonly seq: number;
  readonly system: number;
  readonly component: number;
  readonly id: number;
  /** As sent: version 2 cuts zeros off its end. */
  readonly payload: Uint8Array;
  /** All of it, from the start byte. */
  readonly raw: Uint8Array;
  readonly signed: boolean;
}

/** What a decoder has seen. */
export interface FrameCounts {
  frames: number;
  /** Bytes that belong to no frame that is whole. */
  lostBytes: number;
}

/** Finds frames in bytes. */
export interface Decoder {
  /** The next bytes of a stream; a frame may be spread over many calls. */
  stream(bytes: Uint8Array): void;
  /** A datagram, which stands alone. */
  datagram(bytes: Uint8Array): void;
  readonly counts: Readonly<FrameCounts>;
}

const V1_LENGTHS: ReadonlyMap<number, number> = new Map(Object.values(MESSAGES).map(({ id, length }) => [id, length]));

/** Bytes of the frame that starts at `at`, `more` if its header is not whole yet, or null where no frame can start. */
function lengthAt(bytes: Uint8Array, at: number): number | 'more' | null {
  const left = bytes.length - at;
  const payload = bytes[at + 1] ?? 0;
  if (bytes[at] === START.v1) {
    if (left < HEADER.v1) return 'more';
    const id = bytes[at + 5] ?? 0;
    // Version 1 sends payloads whole.
    if (extraOf(id) === null || (V1_LENGTHS.get(id) ?? payload) !== payload) return null;
    return HEADER.v1 + payload + CHECKSUM_BYTES;
  }
  if (bytes[at] !== START.v2) return null;
  if (left < HEADER.v2) return 'more';
  const flags = bytes[at + 2] ?? 0;
  if ((flags & ~FLAG_SIGNED) !== 0 || extraOf(idOf2(bytes, at)) === null) return null;
  return HEADER.v2 + payload + CHECKSUM_BYTES + (flags === FLAG_SIGNED ? SIGNATURE_BYTES : 0);
}

function idOf2(bytes: Uint8Array, at: number): number {
  return (bytes[at + 7] ?? 0) | ((bytes[at + 8] ?? 0) << 8) | ((bytes[at + 9] ?? 0) << 16);
}

/** The whole frame of `length` bytes at `at`; null if its checksum is wrong. */
function frameAt(bytes: Uint8Array, at: number, length: number): MavFrame | null {
  const version = bytes[at] === START.v1 ? 1 : 2;
  const header = version === 1 ? HEADER.v1 : HEADER.v2;
  const end = at + header + (bytes[at + 1] ?? 0);
  const id = version === 1 ? (bytes[at + 5] ?? 0) : idOf2(bytes, at);
  const found = (bytes[end] ?? 0) | ((bytes[end + 1] ?? 0) << 8);
  if (found !== checksum(bytes, at + 1, end, extraOf(id) ?? 0)) return null;
  const from = at + (version === 1 ? 2 : 4);
  return {
    version,
    seq: bytes[from] ?? 0,
    system: bytes[from + 1] ?? 0,
    component: bytes[from + 2] ?? 0,
    id,
    payload: bytes.subarray(at + header, end),
    raw: bytes.subarray(at, at + length),
    signed: version === 2 && bytes[at + 2] === FLAG_SIGNED,
  };
}

/** What {@link scan} tells of what it passes. */
export interface Scanned {
  /** `at`: where in the bytes it starts. */
  frame(frame: MavFrame, at: number): void;
  /** One byte that belongs to no whole frame. */
  lost(): void;
}

/**
 * Takes every frame out, in order; returns where the first one starts that is not whole yet (`isAll`: none will become whole). After
 * anything that is no whole frame it goes on one byte further, so that a false start byte or a damaged frame costs no frame behind it.
 */
export function scan(bytes: Uint8Array, isAll: boolean, { frame: onFrame, lost }: Scanned): number {
  let at = 0;
  while (at < bytes.length) {
    const length = lengthAt(bytes, at);
    const isShort = length === 'more' || (length !== null && at + length > bytes.length);
    if (isShort && !isAll) return at;
    const frame = length === null || length === 'more' || isShort ? null : frameAt(bytes, at, length);
    if (frame === null) lost();
    else onFrame(frame, at);
    at += frame?.raw.length ?? 1;
  }
  return at;
}

/** Makes a decoder. Between calls it keeps less than one frame: 280 bytes at most. */
export function createDecoder(onFrame: (frame: MavFrame) => void): Decoder {
  const counts: FrameCounts = { frames: 0, lostBytes: 0 };
  let kept = new Uint8Array(0);
  const scanned: Scanned = {
    frame(frame) {
      counts.frames += 1;
      onFrame(frame);
    },
    lost() {
      counts.lostBytes += 1;
    },
  };
  return {
    stream(bytes) {
      const all = new Uint8Array(kept.length + bytes.length);
      all.set(kept);
      all.set(bytes, kept.length);
      kept = all.slice(scan(all, false, scanned));
    },
    datagram: (bytes) => void scan(bytes, true, scanned),
    counts,
  };
}
