import { MavLinkPacketSignature, MavLinkProtocolV2 } from 'node-mavlink';
import t from 'tap';
import { createDecoder, type MavFrame } from '../../../agent/vehicle/mavlink/frames.ts';
import { MESSAGES, readField } from '../../../agent/vehicle/mavlink/messages.ts';
import { ourFrames, seeded, theirFrame, theirSigned } from '../../fixtures/mavlink.ts';
import { damagedStream, ourPlaced } from '../../fixtures/mavlink-damage.ts';
import { filled, IDS, isExtension } from '../../fixtures/mavlink-messages.ts';

const chance = seeded(7);
/** Longest frame: header, payload, checksum, signature. */
const FRAME_MAX_BYTES = 10 + 255 + 2 + 13;

t.test('every message we use, as node-mavlink writes it: both versions, signed and not', async (t) => {
  const key = MavLinkPacketSignature.key('a secret');
  for (const [name, { id, fields }] of Object.entries(MESSAGES)) {
    const { message, values } = filled(id, chance);
    const bytes = [1, 2].map((version) => theirFrame(message, version === 1 ? 1 : 2, 9, 7, 3));
    const frames = ourFrames(Buffer.concat([...bytes, theirSigned(message, key, 9, 7, 3)]));
    t.same(
      frames.map(({ version, signed, seq, system, component }) => [version, signed, seq, system, component]),
      [
        [1, false, 9, 7, 3],
        [2, false, 9, 7, 3],
        [2, true, 9, 7, 3],
      ],
      name,
    );
    for (const { payload, version } of frames) {
      for (const [field, where] of Object.entries(fields)) {
        const cut = version === 1 && isExtension(id, field);
        t.equal(readField(payload, where), cut ? 0 : values[field], `${name}.${field} in version ${version}`);
      }
    }
  }
});

t.test('spread over any pieces, the frames are the same', async (t) => {
  const bytes = Buffer.concat(IDS.map((id, seq) => theirFrame(filled(id, chance).message, 2, seq)));
  const whole = ourFrames(bytes);
  t.equal(whole.length, IDS.length);
  for (const chunk of [1, 2, 3, 7, 64, 279, 280, 281])
    t.same(ourFrames(bytes, chunk), whole, `${chunk} bytes at a time`);
});

t.test('unknown flags, unknown messages and wrong lengths are no frames', async (t) => {
  const good = theirFrame(filled(0, chance).message, 2, 1);
  const flagged = new MavLinkProtocolV2(1, 1, 0x02, 0).serialize(filled(0, chance).message, 1);
  const unknown = Uint8Array.from(good);
  unknown[9] = 0x7f;
  t.equal(ourFrames(Buffer.concat([flagged, unknown, good])).length, 1);
  const short = theirFrame(filled(0, chance).message, 1, 1).subarray(0, -2);
  t.equal(ourFrames(Buffer.concat([short, good, good])).length, 2, 'one that breaks off costs none behind it');
});

t.test('a datagram stands alone', async (t) => {
  const frames: MavFrame[] = [];
  const decoder = createDecoder((frame) => frames.push(frame));
  const good = theirFrame(filled(33, chance).message, 2, 1);
  decoder.datagram(good.subarray(0, 20));
  decoder.datagram(good.subarray(20));
  t.equal(frames.length, 0, 'two halves are no frame');
  decoder.datagram(Buffer.concat([good.subarray(0, 11), good, good]));
  t.equal(frames.length, 2, 'what breaks off in front costs none behind it');
  t.equal(decoder.counts.frames, 2);
});

t.test('damage costs the damaged frames and no other', async (t) => {
  const { bytes, intact } = damagedStream(chance, 300, 60);
  t.same(
    ourPlaced(bytes, () => 100),
    intact,
  );
});

t.test('of garbage less than a frame is kept', async (t) => {
  // The worst there is: every byte starts a frame that turns out to be none.
  const starts = new Uint8Array(10_000).fill(0xfe);
  const decoder = createDecoder(() => {});
  for (let at = 0; at < starts.length; at += 10) decoder.stream(starts.subarray(at, at + 10));
  t.ok(starts.length - decoder.counts.lostBytes < FRAME_MAX_BYTES);
  t.equal(decoder.counts.frames, 0);
});
