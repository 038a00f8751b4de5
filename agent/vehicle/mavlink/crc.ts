import { CRC_EXTRAS } from './extras.ts';

/** X.25 checksum of every byte. Source: CRC-16/MCRF4XX, which MAVLink uses. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  return crc;
});

/** Checksum of `bytes` from `start` up to `end`, closed with the message's extra byte. */
export function checksum(bytes: Uint8Array, start: number, end: number, extra: number): number {
  let crc = 0xffff;
  for (let at = start; at < end; at += 1) crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return (crc >>> 8) ^ (TABLE[(crc ^ extra) & 0xff] ?? 0);
}

/** Writes the checksum of the frame in `bytes` that ends at `end` behind it. */
export function writeChecksum(bytes: Uint8Array, end: number, extra: number): void {
  const sum = checksum(bytes, 1, end, extra);
  bytes[end] = sum & 0xff;
  bytes[end + 1] = sum >>> 8;
}

const EXTRA_OF: ReadonlyMap<number, number> = new Map(
  CRC_EXTRAS.flatMap(([first = 0, ...extras]) => extras.map((extra, index) => [first + index, extra] as const)),
);

/** The extra byte of a message; null for one that is not in the published definitions. */
export function extraOf(id: number): number | null {
  return EXTRA_OF.get(id) ?? null;
}
