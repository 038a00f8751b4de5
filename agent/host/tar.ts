import { gzipSync } from 'node:zlib';

/** One file of an archive. */
export interface TarEntry {
  /** Path inside the archive, ASCII, at most 99 characters. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;

/** The head of one file. Source: POSIX.1-1988 ustar. */
function header({ name, bytes }: TarEntry, atMs: number): Buffer {
  const head = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  if (Buffer.byteLength(name) > 99) throw new Error(`${name}: longer than the 99 bytes a name can have in a tar file`);
  head.write(name, 0);
  head.write(octal(0o600, 8), 100);
  head.write(octal(0, 8), 108);
  head.write(octal(0, 8), 116);
  head.write(octal(bytes.length, 12), 124);
  head.write(octal(Math.floor(atMs / 1000), 12), 136);
  head.write(' '.repeat(8), 148);
  head.write('0', 156);
  head.write('ustar\0' + '00', 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return head;
}

/** Puts files into one gzipped tar archive. `atMs`: the time all of them get, in Unix milliseconds. */
export function tarGz(entries: readonly TarEntry[], atMs: number): Uint8Array {
  const parts = entries.flatMap((entry) => [
    header(entry, Math.max(0, atMs)),
    entry.bytes,
    Buffer.alloc((BLOCK - (entry.bytes.length % BLOCK)) % BLOCK),
  ]);
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]), { level: 9 });
}
