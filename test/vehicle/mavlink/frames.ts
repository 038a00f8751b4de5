import { readFileSync } from 'node:fs';
import { MavLinkPacketSignature, MavLinkProtocolV2, MavLinkTLogPacketSplitter } from 'node-mavlink';
import t from 'tap';
import { createDecoder, type MavFrame } from '../../../agent/vehicle/mavlink/frames.ts';
import { MESSAGES, readField } from '../../../agent/vehicle/mavlink/messages.ts';
import { FLIGHT, ourFrames, seeded, THEIRS, theirFrame } from '../../fixtures/mavlink.ts';

const chance = seeded(7);
/** Longest frame: header, payload, checksum, signature. */
const FRAME_MAX_BYTES = 10 + 255 + 2 + 13;
const byte = () => Math.floor(chance() * 256);

/** A message of theirs with values that fit each field, and the same as ours should read them. */
function filled(id: number) {
  const Message = THEIRS[id];
  if (Message === undefined) throw new Error(`no message ${id}`);
  const message = new Message();
  const values: Record<string, number> = {};
  for (const { source, name, type, length } of Message.FIELDS) {
    const value = type === 'float' ? Math.fround(chance() * 100 - 50) : type.startsWith('u') ? byte() : byte() - 128;
    const given = type === 'uint64_t' ? BigInt(value) : length > 0 ? new Array(length).fill(value) : value;
    Object.assign(message, { [name]: given });
    values[source] = type === 'int8_t' ? Math.max(-128, value) : value;
  }
  return { message, values };
}

const IDS = Object.values(MESSAGES).map(({ id }) => id);

t.test('every message we use, as node-mavlink writes it: both versions, signed and not', async (t) => {
  const key = MavLinkPacketSignature.key('a secret');
  for (const [name, { id, fields }] of Object.entries(MESSAGES)) {
    const { message, values } = filled(id);
    const two = theirFrame(message, 2, 9, 7, 3);
    const signed = new MavLinkProtocolV2(7, 3, MavLinkProtocolV2.IFLAG_SIGNED, 0);
    const frames = [
      ...ourFrames(two),
      ...ourFrames(signed.sign(signed.serialize(message, 9), 1, key)),
      ...(hasExtensions(id) ? [] : ourFrames(theirFrame(message, 1, 9, 7, 3))),
    ];
    t.equal(frames.length, hasExtensions(id) ? 2 : 3, name);
    t.same(
      [...new Set(frames.map(({ seq, system, component, id: found }) => `${seq} ${system} ${component} ${found}`))],
      [`9 7 3 ${id}`],
    );
    t.same(frames.map(({ signed: is }) => is).slice(0, 2), [false, true]);
    for (const { payload } of frames) {
      for (const [field, where] of Object.entries(fields)) {
        t.equal(readField(payload, where), values[field], `${name}.${field}`);
      }
    }
  }
});

/** node-mavlink writes extension fields into version 1 as well, where they have no place. */
function hasExtensions(id: number): boolean {
  return THEIRS[id]?.FIELDS.some(({ extension }) => extension) === true;
}

t.test('spread over any pieces, the frames are the same', async (t) => {
  const bytes = Buffer.concat(IDS.map((id, seq) => theirFrame(filled(id).message, 2, seq)));
  const whole = ourFrames(bytes);
  t.equal(whole.length, IDS.length);
  for (const chunk of [1, 2, 3, 7, 64, 279, 280, 281])
    t.same(ourFrames(bytes, chunk), whole, `${chunk} bytes at a time`);
});

t.test('unknown flags, unknown messages and wrong lengths are no frames', async (t) => {
  const good = theirFrame(filled(0).message, 2, 1);
  const flagged = new MavLinkProtocolV2(1, 1, 0x02, 0).serialize(filled(0).message, 1);
  const unknown = Uint8Array.from(good);
  unknown[9] = 0x7f;
  t.equal(ourFrames(Buffer.concat([flagged, unknown, good])).length, 1);
  const short = theirFrame(filled(0).message, 1, 1).subarray(0, -2);
  t.equal(ourFrames(Buffer.concat([short, good, good])).length, 2, 'one that breaks off costs none behind it');
});

t.test('a datagram stands alone', async (t) => {
  const frames: MavFrame[] = [];
  const decoder = createDecoder((frame) => frames.push(frame));
  const good = theirFrame(filled(33).message, 2, 1);
  decoder.datagram(good.subarray(0, 20));
  decoder.datagram(good.subarray(20));
  t.equal(frames.length, 0, 'two halves are no frame');
  decoder.datagram(Buffer.concat([good.subarray(0, 11), good, good]));
  t.equal(frames.length, 2, 'what breaks off in front costs none behind it');
  t.equal(decoder.counts.frames, 2);
});

/** A bit turned over anywhere. */
function turned(frame: Buffer): Buffer {
  const at = Math.floor(chance() * frame.length);
  frame.writeUInt8(frame.readUInt8(at) ^ (1 << Math.floor(chance() * 8)), at);
  return frame;
}

t.test('damage costs the damaged frames and no other', async (t) => {
  const [total, damaged] = [10_277, 427];
  const hit = new Set<number>();
  while (hit.size < damaged) hit.add(Math.floor(chance() * total));
  const intact: string[] = [];
  const parts = Array.from({ length: total }, (_, index) => {
    const version = index % 3 === 0 ? 1 : 2;
    const ids = version === 1 ? IDS.filter((id) => !hasExtensions(id)) : IDS;
    const frame = theirFrame(filled(ids[index % ids.length] ?? 0).message, version, index % 256);
    if (!hit.has(index)) {
      intact.push(frame.toString('hex'));
      return frame;
    }
    switch (index % 4) {
      case 0: // a bit turned over anywhere, the length and the start byte too
        return turned(frame);
      case 1: // cut short
        return frame.subarray(0, 1 + Math.floor(chance() * (frame.length - 1)));
      case 2: // a byte lost
        return Buffer.concat([frame.subarray(0, 4), frame.subarray(5)]);
      default: // false start bytes before and in it
        return Buffer.concat([Buffer.of(0xfd, 0xff, 0, 0), frame.subarray(0, 8), Buffer.of(0xfe), frame.subarray(8)]);
    }
  });
  const found = ourFrames(Buffer.concat(parts), 1000).map(({ raw }) => Buffer.from(raw).toString('hex'));
  t.equal(intact.length, total - damaged);
  t.same(found, intact, `${found.length} of ${intact.length}`);
});

t.test('ten million bytes of garbage: nothing is kept, and no work is done twice', async (t) => {
  const block = new Uint8Array(1_000_000);
  for (let at = 0; at < block.length; at += 1) block[at] = byte();
  let frames = 0;
  const decoder = createDecoder(() => {
    frames += 1;
  });
  for (let round = 0; round < 10; round += 1) decoder.stream(block);
  const kept = 10 * block.length - decoder.counts.lostBytes;
  t.equal(frames, decoder.counts.frames);
  t.ok(kept < FRAME_MAX_BYTES + frames * FRAME_MAX_BYTES, `${kept} bytes are still held, ${frames} frames by chance`);
  // The worst there is: every byte starts a frame that turns out to be none.
  const starts = new Uint8Array(1_000_000).fill(0xfe);
  const worst = createDecoder(() => {});
  for (let at = 0; at < starts.length; at += 10) worst.stream(starts.subarray(at, at + 10));
  t.ok(starts.length - worst.counts.lostBytes < FRAME_MAX_BYTES);
});

t.test('the recorded flight gives the same messages, one for one, as node-mavlink finds', async (t) => {
  const bytes = readFileSync(FLIGHT);
  const theirs = new Map<number, number>();
  const splitter = new MavLinkTLogPacketSplitter();
  splitter.on('data', ({ buffer }: { buffer: Buffer }) => {
    const id = buffer[0] === 0xfe ? buffer.readUInt8(5) : buffer.readUIntLE(7, 3);
    theirs.set(id, (theirs.get(id) ?? 0) + 1);
  });
  splitter.end(bytes);
  await new Promise((resolve) => splitter.once('end', resolve));
  const ours = new Map<number, number>();
  for (const { id } of ourFrames(bytes)) ours.set(id, (ours.get(id) ?? 0) + 1);
  const sorted = (counts: Map<number, number>) => [...counts].sort(([a], [b]) => a - b);
  t.same(sorted(ours), sorted(theirs));
  t.ok((ours.get(0) ?? 0) > 100 && (ours.get(33) ?? 0) > 100, `${[...ours.values()].reduce((a, b) => a + b)} frames`);
});
