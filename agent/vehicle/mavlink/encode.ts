import { extraOf, writeChecksum } from './crc.ts';
import { CHECKSUM_BYTES, START } from './frames.ts';
import { type Kind, type Message, SIZES } from './messages.ts';

/** Who sends a frame, and its number there (0 to 255). */
export interface Sender {
  readonly version: 1 | 2;
  readonly system: number;
  readonly component: number;
  readonly seq: number;
}

/** Writes a message as a frame; fields that are not given are zero. Version 2 cuts the zeros off the end of the payload. */
export function encode(
  message: Message,
  values: Readonly<Record<string, number>>,
  { version, system, component, seq }: Sender,
): Uint8Array {
  const extra = extraOf(message.id);
  if (extra === null) throw new Error(`message ${message.id} has no extra byte`);
  const whole = payloadOf(message, values);
  // Version 1 has no extension fields.
  const payload = whole.subarray(0, version === 1 ? message.length : lengthWithoutZeros(whole));
  const start =
    version === 1
      ? [START.v1, payload.length, seq, system, component, message.id]
      : [START.v2, payload.length, 0, 0, seq, system, component, ...idBytes(message.id)];
  const frame = new Uint8Array(start.length + payload.length + CHECKSUM_BYTES);
  frame.set(start);
  frame.set(payload, start.length);
  writeChecksum(frame, frame.length - CHECKSUM_BYTES, extra);
  return frame;
}

function idBytes(id: number): readonly number[] {
  return [id & 0xff, (id >>> 8) & 0xff, (id >>> 16) & 0xff];
}

/** An all-zero payload keeps its first byte. */
function lengthWithoutZeros(payload: Uint8Array): number {
  let length = payload.length;
  while (length > 1 && payload[length - 1] === 0) length -= 1;
  return length;
}

function payloadOf({ length, fields }: Message, values: Readonly<Record<string, number>>): Uint8Array {
  const ends = Object.values(fields).map(([offset, kind]) => offset + SIZES[kind]);
  const payload = new Uint8Array(Math.max(length, ...ends));
  const view = new DataView(payload.buffer);
  for (const [name, value] of Object.entries(values)) {
    const field = fields[name];
    if (field === undefined) throw new Error(`there is no field ${name}`);
    const [at, kind] = field;
    WRITERS[kind](view, at, value);
  }
  return payload;
}

const WRITERS: Readonly<Record<Kind, (view: DataView, at: number, value: number) => void>> = {
  u8: (view, at, value) => view.setUint8(at, value),
  i8: (view, at, value) => view.setInt8(at, value),
  u16: (view, at, value) => view.setUint16(at, value, true),
  i16: (view, at, value) => view.setInt16(at, value, true),
  u32: (view, at, value) => view.setUint32(at, value, true),
  i32: (view, at, value) => view.setInt32(at, value, true),
  f32: (view, at, value) => view.setFloat32(at, value, true),
  u64: (view, at, value) => {
    view.setUint32(at, value % 2 ** 32, true);
    view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  },
};
