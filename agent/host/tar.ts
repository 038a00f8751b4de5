import { gzipSync } from 'node:zlib';

/** One file of an archive. */
export interface TarEntry {
  /** Path inside the archive: 154 bytes, a slash and 99 bytes at most, wherever a slash lets it be parted so. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;

const NAME_MAX_BYTES = 99;
const PREFIX_MAX_BYTES = 154;

/** Parts a path where the format wants it: what is too long for the one field goes before its last slash into another. */
function parted(path: string): { readonly prefix: string; readonly name: string } {
  if (Buffer.byteLength(path) <= NAME_MAX_BYTES) return { prefix: '', name: path };
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    const fits = Buffer.byteLength(prefix) <= PREFIX_MAX_BYTES && Buffer.byteLength(name) <= NAME_MAX_BYTES;
    if (fits) return { prefix, name };
  }
  throw new Error(`${path}: longer than the name of a file can be in a tar file`);
}

/** The head of one file. Source: POSIX.1-1988 ustar. */
function header({ name: path, bytes }: TarEntry, atMs: number): Buffer {
  const head = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  const { prefix, name } = parted(path);
  head.write(name, 0);
  head.write(octal(0o600, 8), 100);
  head.write(octal(0, 8), 108);
  head.write(octal(0, 8), 116);
  head.write(octal(bytes.length, 12), 124);
  head.write(octal(Math.floor(atMs / 1000), 12), 136);
  head.write(' '.repeat(8), 148);
  head.write('0', 156);
  head.write('ustar\0' + '00', 257);
  head.write(prefix, 345);
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
